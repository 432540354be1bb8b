"""Registered data sets in the store.

datasets/registered/<name>/<version>.json   who registered which manifest, and when (Registration)
datasets/registered/<name>/<version>.gone   that version was removed: its number is not used again
datasets/described/<manifest's sha>.json    what a worker found in its values
blobs/<aa>/<sha256>                         manifests, and the chunks that they name

What lies under `blobs` has its own SHA-256 as its name, so it never changes, and versions share it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from fitq_shared.dataset_manifest import (
    Chunk,
    DataFile,
    DatasetManifest,
    Piece,
    chunk_path,
    parse_json,
)
from fitq_shared.errors import StoreError
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.store import Store


def description_path(manifest: str) -> str:
    """Where the store keeps the description of the version whose manifest has this sum."""
    return f"datasets/described/{manifest}.json"


def read_manifest(store: Store, ref: DatasetRef) -> DatasetManifest:
    """The manifest of one version, which has the sum that the reference names.

    Raises:
        StoreError: it is not there, cannot be read, or is damaged.
    """
    return DatasetManifest.parse(parse_json(_read_blob(store, ref.manifest, str(ref))))


def read_file(store: Store, what: str, pieces: tuple[Piece, ...]) -> Iterator[bytes]:
    """The content of one file, as DatasetManifest.pieces gives it; each chunk checked by its sum.

    Args:
        what: what it is a part of, for messages: "houses@2".

    Raises:
        StoreError: a chunk is not there, cannot be read, or is damaged.
    """
    for piece in pieces:
        yield _read_blob(store, piece.chunk.sha256, what)[piece.start : piece.stop]


def copy_files(
    store: Store,
    ref: DatasetRef,
    manifest: DatasetManifest,
    folder: Path,
    before_each: Callable[[], None] = lambda: None,
) -> Iterator[DataFile]:
    """Copy all files into a local folder, under their paths; yields each when it is there.

    Each chunk is read once. The folder must be new, or this caller's alone.

    Args:
        before_each: called before each chunk is read; what it raises ends the copying.

    Raises:
        StoreError: a chunk is not there, cannot be read, or is damaged.
        OSError: the folder cannot be written.
    """
    last, content = "", b""
    for file, pieces in manifest.pieces():
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as target:
            for piece in pieces:
                if piece.chunk.sha256 != last:
                    before_each()
                    last = piece.chunk.sha256
                    content = _read_blob(store, last, str(ref))
                target.write(memoryview(content)[piece.start : piece.stop])
        yield file


def read_chunk(store: Store, ref: DatasetRef, chunk: Chunk) -> bytes:
    """One chunk of the stream of all files.

    Raises:
        StoreError: it is not there, cannot be read, or is damaged.
    """
    return _read_blob(store, chunk.sha256, str(ref))


def _read_blob(store: Store, sha256: str, what: str) -> bytes:
    path = chunk_path(sha256)
    try:
        content = store.read(path)
    except StoreError:
        if store.exists(path):
            raise
        raise StoreError(
            f"the data set {what} is not whole: {path} is not in the store {store.shown_url!r}",
            "register it again with `fitq datasets add`: only what is missing is uploaded",
        ) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise StoreError(
            f"the data set {what} is damaged: {path} does not have the sum that is its name",
            "register it again with `fitq datasets add --send-all`: that mends it",
        )
    return content
