"""Registering a data set: looked through, uploaded, then named."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from fitq.data.looking import look_through
from fitq.data.source import Declared, Source
from fitq.data.upload import upload
from fitq_shared.catalogue import DATASETS
from fitq_shared.dataset_manifest import DatasetManifest
from fitq_shared.datasets import read_manifest
from fitq_shared.errors import InvalidInput, Mistake, StoreError
from fitq_shared.registrations import Registration, find_content, register, registrations
from fitq_shared.store import Store

_OWNER = re.compile(r"[^\s/\x00-\x1f\x7f]{1,64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
Progress = Callable[[str, int, int], None]
"""Told what is done ("reading", "uploading"), how many bytes of it, and how many there are."""


@dataclass(frozen=True)
class Added:
    """What came of it: the version, whether it is new, and how many bytes were sent."""

    registration: Registration
    manifest: DatasetManifest
    source: Source
    is_new: bool
    sent: int


def add(
    store: Store,
    name: str,
    path: str,
    declared: Declared,
    owner: str,
    progress: Progress,
    *,
    send_all: bool = False,
) -> Added:
    """Register what is at a path as the newest version of a data set.

    The same content with the same declarations is no new version. When it is interrupted, the
    next call sends only what has not arrived. `send_all` sends everything anew, which mends what
    was damaged in the store.

    Raises:
        InvalidInput: names every mistake in the name, the files, and what was declared.
        StoreError: the store cannot be read or written.
    """
    check_name(name)
    _check_owner(owner)
    source = look_through(path, declared, lambda size: progress("reading", size, 0))
    total = sum(file.size for file in source.files)
    kept = _kept_chunks(store, name)
    done = upload(
        *(store, source, kept, lambda size: progress("uploading", size, total)),
        send_all=send_all,
    )
    manifest = source.manifest(done.chunks)
    known = find_content(store, name, manifest.digest())
    made = register(store, name, manifest, owner)
    return Added(made, manifest, source, known is None, done.sent)


def check_name(name: str) -> None:
    """Whether a data set may be called so.

    Raises:
        InvalidInput: it is no name, or that of a data set that fitq knows by itself.
    """
    if name in DATASETS:
        expected = "another name: fitq has a data set of this one by itself"
        raise InvalidInput([Mistake("NAME", name, expected)])
    if not _NAME.fullmatch(name):
        expected = "1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit"
        raise InvalidInput([Mistake("NAME", name, expected)])


def _check_owner(owner: str) -> None:
    if not _OWNER.fullmatch(owner):
        expected = "1 to 64 characters without spaces and '/'"
        raise InvalidInput([Mistake("FITQ_OWNER", owner, expected)])


def _kept_chunks(store: Store, name: str) -> set[str]:
    """The chunks of the newest version: while it is registered, they stay."""
    versions = registrations(store, name)
    if not versions:
        return set()
    try:
        newest = read_manifest(store, versions[-1].ref)
    except StoreError:
        return set()  # a damaged version keeps nobody from adding a whole one
    return {chunk.sha256 for chunk in newest.chunks}
