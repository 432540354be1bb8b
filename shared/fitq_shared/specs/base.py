"""What every job spec has, and how a spec is made from untrusted input."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from fitq_shared.catalogue import DATASETS, DatasetFacts
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.queues import DeviceNeed
from fitq_shared.specs.mistakes import from_validation, unknown_choice

SCHEMA_VERSION: Literal[1] = 1

Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Owner = Annotated[str, StringConstraints(pattern=r"^[^\s\x00-\x1f\x7f]{1,64}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Split = Literal["train", "test"]


class Spec(BaseModel):
    """A part of a job spec: immutable, and nothing in it that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class JobSpec(Spec):
    """What every kind of job has. `name`, `owner` and `tags` are for people to find it by."""

    schema_version: Literal[1] = SCHEMA_VERSION
    kind: str
    name: Label
    owner: Owner
    tags: tuple[Label, ...] = ()
    device: DeviceNeed = "any"

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """Make a spec from untrusted values.

        Raises:
            InvalidInput: names every mistake at once, those between fields included.
        """
        mistakes: list[Mistake] = []
        spec = None
        try:
            spec = cls.model_validate(dict(data))
        except ValidationError as error:
            mistakes += from_validation(error, cls)
        mistakes += cls.mistakes_between_fields(data)
        if mistakes or spec is None:
            raise InvalidInput(mistakes)
        return spec

    @classmethod
    def mistakes_between_fields(cls, data: Mapping[str, Any]) -> list[Mistake]:
        """Mistakes that no field shows alone. Must bear fields that are wrong themselves."""
        return []

    @property
    def summary(self) -> str:
        """The job in a few words, as Flower and listings show it."""
        raise NotImplementedError

    def canonical(self) -> str:
        """The spec as JSON, always in the same form."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    def digest(self) -> str:
        """SHA-256 of the canonical form, in hexadecimal."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


class ModelRef(Spec):
    """A model that a job has published: the job's id, its attempt, and its manifest's sum."""

    job: Label
    attempt: int
    manifest: Sha256
    name: Label


def known_dataset(data: Mapping[str, Any], key: str = "dataset") -> DatasetFacts | None:
    """The facts of the data set that the raw values name, if they do name one."""
    name = data.get(key)
    return DATASETS.get(name) if isinstance(name, str) else None


def dataset_mistakes(data: Mapping[str, Any], key: str = "dataset") -> list[Mistake]:
    """A mistake if the raw values name a data set that is not known."""
    name = data.get(key)
    if not isinstance(name, str) or name in DATASETS:
        return []
    return [unknown_choice(key, name, DATASETS)]
