"""The registry: models by name, their versions, and the aliases that name one of them.

Each change is one Lua script in transitions/. A training that asks for it becomes a version in
the very step that publishes it (`Attempts.succeed`), so it does exactly once, whatever dies when.
Numbers are never used again. The volume has a copy (registry_copies.py).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from fitq_shared.errors import InvalidInput, UnknownModel
from fitq_shared.model_version import (
    AliasChange,
    ModelVersion,
    RegisteredModel,
    read_history,
    read_model,
)
from fitq_shared.record import JobRecord
from fitq_shared.record_keys import job_key
from fitq_shared.redis_link import Redis
from fitq_shared.registry_keys import (
    MODELS,
    UNKEPT_MODELS,
    history_key,
    model_key,
    versions_key,
)
from fitq_shared.scripts import Scripts
from fitq_shared.texts import did_you_mean, shown

LONGEST_REFERENCE = 200


class Registry:
    """Reads and changes the models that have a name."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._scripts = Scripts(redis)

    # -- finding --------------------------------------------------------------------------

    def models(self) -> list[RegisteredModel]:
        """All models that have a version, by name."""
        names: Any = self.redis.smembers(MODELS)
        with self.redis.pipeline(transaction=False) as pipe:
            for name in sorted(names):
                pipe.hgetall(model_key(name))
            found = [
                read_model(name, fields)
                for name, fields in zip(sorted(names), pipe.execute(), strict=True)
            ]
        return [model for model in found if model.versions]

    def model(self, name: str) -> RegisteredModel:
        """The model of this name.

        Raises:
            UnknownModel: there is none; suggests the nearest.
        """
        model = read_model(name, self._fields(name))
        if not model.versions:
            near = did_you_mean(name[:LONGEST_REFERENCE], (model.name for model in self.models()))
            raise UnknownModel(f"there is no model {shown(name)}{near}", "see `fitq models`")
        return model

    def find(self, reference: str) -> ModelVersion:
        """The version that "name@3", "name@alias" or "name" (the newest) refers to.

        Raises:
            UnknownModel: there is no such model, version or alias; suggests the nearest.
        """
        name, at, tail = reference.partition("@")
        model = self.model(name)
        if not at:
            return model.versions[-1]
        number = int(tail) if tail.isdecimal() and len(tail) < 10 else model.aliases.get(tail, 0)
        version = model.version(number)
        if version is None:
            raise _unknown_version(model, tail)
        return version

    def has(self, name: str) -> bool:
        """Whether there is a model of this name."""
        return bool(read_model(name, self._fields(name)).versions)

    def _fields(self, name: str) -> dict[str, str]:
        """What Redis keeps of a model; nothing where no model can have such a name."""
        # Half of a surrogate pair, which is not printable, cannot be sent to Redis.
        if not name or len(name) > LONGEST_REFERENCE or not name.isprintable():
            return {}
        fields: Any = self.redis.hgetall(model_key(name))
        return dict(fields)

    def versions_of(self, job_id: str) -> list[str]:
        """As which versions a job's result is registered, for example ["mnist@3"]."""
        names: Any = self.redis.smembers(versions_key(job_id))
        return sorted(names)

    def registered_jobs(self) -> set[str]:
        """The ids of all jobs whose results are registered."""
        return {version.job for model in self.models() for version in model.versions}

    def history(self, name: str) -> list[AliasChange]:
        """How the aliases of a model have moved, the oldest change first."""
        texts: Any = self.redis.lrange(history_key(name), 0, -1)
        return read_history(texts)

    # -- changing -------------------------------------------------------------------------

    def register(self, record: JobRecord, name: str, by: str) -> ModelVersion:
        """Make what a job has published the next version of a model; once, however often asked.

        Raises:
            InvalidInput: the job has not succeeded, or has changed since its record was read.
        """
        keys = [
            *(job_key(record.id), model_key(name), MODELS),
            *(versions_key(record.id), UNKEPT_MODELS),
        ]
        args = [name, record.attempt, record.manifest or "", secrets.token_hex(8), by]
        number = self._scripts.run("register", keys, args)
        if number == "stale":
            raise InvalidInput(
                f"{record.name} cannot be registered: it is {record.state}, or has changed",
                f"see `fitq show {record.name}`",
            )
        return self.find(f"{name}@{number}")

    def unregister(self, version: ModelVersion) -> Literal["unregistered", "gone"]:
        """Take a version out of its model. Its job stays, and may be removed.

        Raises:
            InvalidInput: an alias names it.
        """
        keys = [model_key(version.name), MODELS, versions_key(version.job), UNKEPT_MODELS]
        args = [version.name, version.version, version.job]
        outcome = self._scripts.run("unregister", keys, args)
        if outcome.startswith("alias:"):
            alias = outcome.removeprefix("alias:")
            raise InvalidInput(
                f"{version.label} is {version.name}@{alias}, and is not removed",
                f"promote another version, or `fitq models unalias {version.name}@{alias}`",
            )
        return outcome  # type: ignore[return-value]

    def promote(
        self, version: ModelVersion, alias: str, by: str, why: str = "", *, held: int | None = None
    ) -> bool:
        """Let an alias name this version.

        Args:
            held: the number of the version that it must still name (0: none); None: whichever.

        Returns:
            False if it names another version than `held`: nothing was changed.

        Raises:
            UnknownModel: the version was removed meanwhile.
        """
        outcome = self._set_alias(version.name, alias, version.version, by, why, held)
        if outcome == "gone":
            raise UnknownModel(f"{version.label} was removed", f"see `fitq models {version.name}`")
        return not outcome.startswith("moved:")

    def unalias(self, name: str, alias: str, by: str) -> int:
        """Remove an alias.

        Returns:
            The version that it named.

        Raises:
            UnknownModel: there is no such model or alias.
        """
        model = self.model(name)
        if alias not in model.aliases:
            raise _unknown_version(model, alias)
        return int(self._set_alias(name, alias, 0, by, "", None).partition(":")[2])

    def _set_alias(
        self, name: str, alias: str, number: int, by: str, why: str, held: int | None
    ) -> str:
        keys = [model_key(name), history_key(name), UNKEPT_MODELS]
        expected = "*" if held is None else held
        args = [name, alias, number, expected, by, why, secrets.token_hex(8)]
        return self._scripts.run("alias", keys, args)

    # -- copies in the volume -------------------------------------------------------------

    def unkept(self) -> Iterator[str]:
        """The names of models whose copy in the volume is to be renewed."""
        names: Any = self.redis.smembers(UNKEPT_MODELS)
        yield from names

    def dump(self, name: str) -> tuple[dict[str, str], list[str]]:
        """All that Redis keeps of a model: its fields and its history, as of one moment."""
        with self.redis.pipeline() as pipe:
            pipe.hgetall(model_key(name))
            pipe.lrange(history_key(name), 0, -1)
            fields, history = pipe.execute()
        return fields, history

    def restore(
        self,
        name: str,
        life: str,
        versions: Sequence[ModelVersion],
        aliases: Mapping[str, int],
        gone: Sequence[str],
        history: Sequence[AliasChange],
    ) -> int:
        """Write what a copy knows of a model and Redis does not.

        What Redis knows stays as it is; a version whose number another job has by now becomes
        the newest one. Aliases and history come back once for each life.

        Returns:
            How many versions have come back.
        """
        keys = [model_key(name), MODELS, history_key(name), UNKEPT_MODELS]
        keys += [versions_key(version.job) for version in versions]
        lists: list[Sequence[object]] = [
            [version.model_dump(mode="json") for version in versions],
            [{"alias": alias, "version": number} for alias, number in aliases.items()],
            gone,
            [change.model_dump_json() for change in history],
        ]
        args = [name, life, *(json.dumps(values) for values in lists)]
        return int(self._scripts.run("restore_model", keys, args))

    def kept(self, name: str, revision: str) -> None:
        """Say that the volume has a copy of a model as it was at this revision."""
        self._scripts.run("model_kept", [model_key(name), UNKEPT_MODELS], [name, revision])


def _unknown_version(model: RegisteredModel, tail: str) -> UnknownModel:
    name = shown(model.name)[1:-1]
    if tail.isdecimal():
        listed = ", ".join(str(version.version) for version in model.versions[-10:])
        return UnknownModel(
            f"{name} has no version {shown(tail)[1:-1]}: it has {listed}",
            f"see `fitq models show {name}`",
        )
    near = did_you_mean(tail[:LONGEST_REFERENCE], model.aliases)
    has = f"it has {', '.join(sorted(model.aliases))}" if model.aliases else "it has none"
    return UnknownModel(
        f"{name} has no alias {shown(tail)}{near or f': {has}'}",
        f"see `fitq models show {name}`, or set it with `fitq models promote`",
    )
