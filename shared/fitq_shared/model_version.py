"""What the registry keeps of a model: its versions, its aliases, and how these have moved."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from fitq_shared.specs.base import Label, Owner, Sha256, Spec

Number = Annotated[int, Field(ge=1, le=10**9)]


def _is_no_number(value: str) -> str:
    if value.isdigit():
        raise ValueError("a word, since a number names a version")
    return value


Alias = Annotated[Label, AfterValidator(_is_no_number)]


class ModelVersion(Spec):
    """One version of a model: what a job has published. `registered` is seconds since the epoch
    by Redis's clock, `by` who has asked for it."""

    name: Label
    version: Number
    job: Label
    job_name: Label
    attempt: Number
    manifest: Sha256
    registered: float
    by: Owner

    @property
    def label(self) -> str:
        """For example: mnist@3."""
        return f"{self.name}@{self.version}"


class AliasChange(Spec):
    """An alias came to name a version, instead of the one `before`; 0 is none."""

    alias: Alias
    version: Annotated[int, Field(ge=0)]
    before: Annotated[int, Field(ge=0)]
    by: Owner
    why: Annotated[str, Field(max_length=1000)] = ""
    at: float


@dataclass(frozen=True)
class RegisteredModel:
    """A model: its versions, the oldest first, and which of them its aliases name."""

    name: str
    versions: tuple[ModelVersion, ...]
    aliases: Mapping[str, int]

    def version(self, number: int) -> ModelVersion | None:
        """The version of this number, if there is one."""
        return next((one for one in self.versions if one.version == number), None)

    def aliases_of(self, version: ModelVersion) -> list[str]:
        """The aliases that name this version."""
        return sorted(alias for alias, held in self.aliases.items() if held == version.version)


def read_model(name: str, fields: Mapping[str, str]) -> RegisteredModel:
    """A model from what Redis keeps; passes over what fitq has not written so."""
    versions = [
        version
        for field, text in fields.items()
        if field.startswith("version:")
        and (version := read_version(name, text)) is not None
        and field == f"version:{version.version}"
    ]
    aliases = {
        field.removeprefix("alias:"): int(number)
        for field, number in fields.items()
        if field.startswith("alias:") and number.isdigit()
    }
    ordered = tuple(sorted(versions, key=lambda version: version.version))
    return RegisteredModel(name, ordered, aliases)


def read_version(name: str, text: str) -> ModelVersion | None:
    """A version as Redis keeps it; None where that is none."""
    values = _object(text)
    try:
        return ModelVersion.model_validate({**values, "name": name})
    except ValidationError:
        return None


def read_history(texts: Sequence[str]) -> list[AliasChange]:
    """How aliases have moved, the oldest first; passes over what is no such change."""
    changes = []
    for text in texts:
        try:
            changes.append(AliasChange.model_validate(_object(text)))
        except ValidationError:
            continue
    return changes


def _object(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
