"""How a job names the data set that it works on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Discriminator, Field, Tag

from fitq_shared.specs.base import Label, Sha256, Spec

Version = Annotated[int, Field(strict=True, ge=1, lt=2**31)]


class DatasetRef(Spec):
    """One version of a registered data set.

    `manifest` is the SHA-256 of its manifest (see dataset_manifest.py): whatever a store may
    hold under that name and version, only this content is meant. `code` says that a function of
    the user's makes its rows, so that only workers that allow code take the job.
    """

    name: Label
    version: Version
    manifest: Sha256
    code: bool = False

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


def made_by_code(dataset: str | DatasetRef) -> bool:
    """Whether a function of the user's makes the rows of this data set."""
    return isinstance(dataset, DatasetRef) and dataset.code


def data_named(dataset: str | DatasetRef, split: str | None) -> str:
    """A part of a data set in few words, such as "mnist test"; its name where no part is chosen."""
    return f"{dataset} {split}" if split else str(dataset)


def _how_named(value: object) -> str | None:
    if isinstance(value, str):
        return NAMED
    return REGISTERED if isinstance(value, Mapping | DatasetRef) else None


# Tags of the union; never the name of a field, since mistakes.py leaves them out of places.
NAMED, REGISTERED = "a named data set", "a registered data set"

# One that fitq knows by name, or a version of one that somebody has registered.
AnyDataset = Annotated[
    Annotated[str, Tag(NAMED)] | Annotated[DatasetRef, Tag(REGISTERED)],
    Discriminator(
        _how_named,
        custom_error_type="dataset",
        custom_error_message="the name of a data set; see `fitq datasets`",
    ),
]
