"""The pieces of data sets in the store, with what was measured of them, and which are needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fitq_shared.dataset_manifest import chunk_path
from fitq_shared.datasets import description_path, read_manifest
from fitq_shared.registrations import registrations
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.store import Store, StoredFile

FOLDERS = ("blobs", "datasets/described")


def all_blobs(store: Store) -> list[StoredFile]:
    """All of them, by their paths in the store."""
    return [
        StoredFile(f"{folder}/{file.path}", file.size, file.modified)
        for folder in FOLDERS
        for file in store.details(folder)
    ]


def named_blobs(store: Store, needed: Iterable[DatasetRef]) -> set[str]:
    """The paths of those that a registered version has, or one that is needed all the same.

    Raises:
        StoreError: a manifest cannot be read: then nobody knows.
    """
    refs = {one.ref for one in registrations(store)}
    named: set[str] = set()
    for ref in refs.union(needed):
        path = chunk_path(ref.manifest)
        # What a job names may have gone before it was submitted; what is registered is there.
        if path in named or (ref not in refs and not store.exists(path)):
            continue
        named |= {path, description_path(ref.manifest)}
        named |= {chunk_path(chunk.sha256) for chunk in read_manifest(store, ref).chunks}
    return named


def remove_blobs(
    needed: Iterable[DatasetRef], store: Store, blobs: Iterable[StoredFile]
) -> Iterator[StoredFile]:
    """Remove those that nobody has come to need since they were found; yields what is gone.

    Who registers data writes its old pieces anew, so that they have another time then.

    Raises:
        StoreError: the store cannot be read or written.
    """
    named = named_blobs(store, needed)
    for blob in blobs:
        if blob.path not in named and store.modified(blob.path) == blob.modified:
            store.remove(blob.path)
            yield blob
