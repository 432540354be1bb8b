"""Registered data sets, put into a store as a client does."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fitq_shared.dataset_manifest import (
    Chunk,
    Column,
    DataFile,
    DatasetManifest,
    chunk_path,
)
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.store import Store


def register(
    store: Store,
    form: str,
    files: Mapping[str, bytes],
    columns: Sequence[Column],
    *,
    splits: Mapping[str, str] | None = None,
    labels: Mapping[str, int] | None = None,
    piece: int = 1000,
    **fields: Any,
) -> DatasetRef:
    """Keep files and manifest.

    Args:
        splits: which split all rows of a file belong to, by its path.
        labels: which class a file is, by its path.
        piece: how many bytes a chunk has.
    """
    stream = b"".join(files.values())
    pieces = [stream[at : at + piece] for at in range(0, len(stream), piece)]
    chunks = [Chunk(sha256=_keep(store, content), size=len(content)) for content in pieces]
    manifest = DatasetManifest(
        format=form,
        files=[
            DataFile(
                path=path,
                size=len(content),
                split=(splits or {}).get(path),
                label=(labels or {}).get(path),
            )
            for path, content in files.items()
        ],
        chunks=chunks,
        columns=columns,
        **fields,
    )
    digest = _keep(store, manifest.canonical().encode())
    assert digest == manifest.digest()
    return DatasetRef(name="mine", version=1, manifest=digest)


def npz(*, save: Any = np.savez, **arrays: Any) -> bytes:
    """The content of an .npz file."""
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def npy(array: Any) -> bytes:
    """The content of an .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _keep(store: Store, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    store.write(chunk_path(digest), content)
    return digest
