"""Chunks into the store: only those that are not there, so that what was begun goes on."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from fitq.data.chunking import cut
from fitq.data.source import Source
from fitq_shared.dataset_manifest import Chunk, chunk_path
from fitq_shared.durations import DAY
from fitq_shared.errors import StoreError
from fitq_shared.store import Store

# What nothing names, and is older than a week, `fitq gc` removes. An older chunk is written
# again, and is new then.
STAYS_SECONDS = 3.0 * DAY


@dataclass(frozen=True)
class Uploaded:
    """All chunks of a data set, in order, and how many of their bytes were sent now."""

    chunks: tuple[Chunk, ...]
    sent: int


def upload(
    store: Store,
    source: Source,
    kept: Collection[str],
    progress: Callable[[int], None],
    *,
    send_all: bool = False,
) -> Uploaded:
    """Cut the files into chunks, and write those that the store does not have.

    Args:
        kept: the sums of chunks that a registered version names, so that they stay.
        progress: told how many bytes are done since it was last told.
        send_all: write those, too, that are there: one of them may be damaged.

    Raises:
        InvalidInput: a file has changed since it was looked through.
        StoreError: the store cannot be written, or does not have what was written.
    """
    chunks: list[Chunk] = []
    sent = 0
    done: set[str] = set()
    for content in cut(source.files):
        chunk = Chunk(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
        if chunk.sha256 not in done and (send_all or not _is_there(store, chunk, kept)):
            _write(store, chunk, content)
            sent += chunk.size
        done.add(chunk.sha256)
        chunks.append(chunk)
        progress(chunk.size)
    return Uploaded(tuple(chunks), sent)


def _is_there(store: Store, chunk: Chunk, kept: Collection[str]) -> bool:
    """Whether the whole chunk is there, and stays until it is named."""
    path = chunk_path(chunk.sha256)
    if store.size(path) != chunk.size:
        return False
    modified = None if chunk.sha256 in kept else store.modified(path)
    return modified is None or time.time() - modified < STAYS_SECONDS


def _write(store: Store, chunk: Chunk, content: bytes) -> None:
    path = chunk_path(chunk.sha256)
    store.write(path, content)
    found = store.size(path)
    if found != chunk.size:
        raise StoreError(
            f"the store {store.shown_url!r} has {found} bytes of {path}, where {chunk.size} were "
            "written",
            "check the space that is left there, and add the data set again: what has arrived "
            "is not sent twice",
        )
