"""Which data sets are registered, in which versions: see datasets.py for where they lie."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from fitq_shared.dataset_manifest import (
    MOST_CHUNKS,
    Bytes,
    Count,
    DatasetManifest,
    Format,
    chunk_path,
    parse_json,
)
from fitq_shared.errors import StoreError
from fitq_shared.specs.base import Label, Owner, Sha256, Spec, Split
from fitq_shared.specs.datasets import DatasetRef, Version
from fitq_shared.store import Store

FOLDER = "datasets/registered"
LONGEST_REGISTRATION = 2**16
_ENTRY = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,62})/([1-9][0-9]{0,8})\.(json|gone)")


class Registration(Spec):
    """One version of a data set: what listings show, without its manifest being read.

    `created` is in seconds since the epoch by the clock of who registered it; `rows` is None
    where nobody has counted.
    """

    schema_version: Literal[1] = 1
    name: Label
    version: Version
    manifest: Sha256
    created: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    owner: Owner
    format: Format
    files: Annotated[Count, Field(ge=1)]
    chunks: Annotated[Count, Field(le=MOST_CHUNKS)]
    size: Bytes
    rows: dict[Split, Count] | None = None

    @property
    def ref(self) -> DatasetRef:
        """How a job names it."""
        return DatasetRef(
            name=self.name,
            version=self.version,
            manifest=self.manifest,
            code=self.format == "code",
        )

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


def registrations(store: Store, name: str | None = None) -> list[Registration]:
    """All versions of all data sets, or of one, by name and from the oldest.

    Raises:
        StoreError: the store cannot be read, or an entry in it is damaged.
    """
    return [
        _read(store, found, version)
        for found, version, kind in sorted(_entries(store, name))
        if kind == "json"
    ]


def register(store: Store, name: str, manifest: DatasetManifest, owner: str) -> Registration:
    """Make this the newest version, unless some version has just this content: then that one.

    All chunks must be in the store already. Of clients that register at once each gets a version
    of its own, or the same one for the same content.

    Raises:
        StoreError: the store cannot be read or written.
    """
    content = manifest.canonical().encode()
    digest = manifest.digest()
    # Written anew even where it is there: so it is new, and no gc takes it before it is named.
    store.write(chunk_path(digest), content)
    while True:
        if known := find_content(store, name, digest):
            return known
        made = Registration(
            name=name,
            version=max((number for _, number, _ in _entries(store, name)), default=0) + 1,
            manifest=digest,
            created=time.time(),
            owner=owner,
            format=manifest.format,
            files=len(manifest.files),
            chunks=len(manifest.chunks),
            size=manifest.size,
            rows=manifest.rows or None,
        )
        entry = json.dumps(made.model_dump(mode="json"), indent=2).encode()
        if store.create(_path(name, made.version, "json"), entry):
            return made


def find_content(store: Store, name: str, digest: str) -> Registration | None:
    """The version of this name whose manifest has this sum, if there is one."""
    return next((one for one in registrations(store, name) if one.manifest == digest), None)


def unregister(store: Store, one: Registration) -> None:
    """Remove one version. Its content stays until `fitq gc` finds that nothing names it.

    Raises:
        StoreError: the store cannot be written.
    """
    store.create(_path(one.name, one.version, "gone"), b"")
    store.remove(_path(one.name, one.version, "json"))


def _entries(store: Store, name: str | None) -> Iterator[tuple[str, int, str]]:
    """Name, version and kind of each entry; files that are none are left alone."""
    folder = FOLDER if name is None else f"{FOLDER}/{name}"
    for path in store.files(folder):
        if found := _ENTRY.fullmatch(path if name is None else f"{name}/{path}"):
            yield found[1], int(found[2]), found[3]


def _read(store: Store, name: str, version: int) -> Registration:
    path = _path(name, version, "json")
    try:
        one = Registration.model_validate(parse_json(store.read(path), LONGEST_REGISTRATION))
        fits = (one.name, one.version) == (name, version)
    except ValidationError:
        fits = False
    if not fits:
        raise StoreError(
            f"{path} in the store {store.shown_url!r} does not say what was registered",
            "remove that file, and register the data set again with `fitq datasets add`",
        )
    return one


def _path(name: str, version: int, kind: str) -> str:
    return f"{FOLDER}/{name}/{version}.{kind}"
