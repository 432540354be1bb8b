"""How a job names the data set that it works on."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fitq_shared.specs.base import Label, Sha256, Spec

Version = Annotated[int, Field(strict=True, ge=1, lt=2**31)]


class DatasetRef(Spec):
    """One version of a registered data set.

    `manifest` is the SHA-256 of its manifest (see dataset_manifest.py): whatever a store may
    hold under that name and version, only this content is meant.
    """

    name: Label
    version: Version
    manifest: Sha256

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"
