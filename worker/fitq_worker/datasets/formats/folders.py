"""Folders of files by class: what images and texts have in common.

All files are one stream, which is mapped into memory: half a million small files would take longer
to make and to look at than to read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fitq_shared.dataset_manifest import Column, DataFile, DatasetManifest
from fitq_shared.specs.base import Split
from fitq_worker.datasets.column_files import StoredColumn, map_bytes
from fitq_worker.datasets.source import RegisteredFiles

STREAM = "stream"
Placed = tuple[DataFile, int, int]
"""A file, and where it begins and ends in the stream."""


def fetch(files: RegisteredFiles, folder: Path) -> NDArray[np.uint8]:
    """Bring the stream of all files, and map it: uint8 of shape (bytes,)."""
    files.fetch_stream(folder / STREAM)
    return map_bytes(folder / STREAM)


def with_bounds(manifest: DatasetManifest) -> Iterator[Placed]:
    """Each file with where it begins and ends in the stream."""
    end = 0
    for file in manifest.files:
        start, end = end, end + file.size
        yield file, start, end


def class_columns(manifest: DatasetManifest, folder: Path) -> list[StoredColumn]:
    """The numbers of the files' classes, if the data set has any."""
    return [
        _classes(column, split, manifest, folder)
        for column in manifest.columns
        if column.classes is not None
        for split in manifest.splits
    ]


def _classes(column: Column, split: Split, manifest: DatasetManifest, folder: Path) -> StoredColumn:
    file = f"{split}-class.npy"
    labels = [file.label for file in manifest.files if (file.split or "train") == split]
    np.save(folder / file, np.array(labels, np.int32))
    return StoredColumn(
        *(column.name, split, column.role, "category", file),
        kind="category",
        names=column.classes or (),
    )
