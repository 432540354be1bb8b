"""Folders of images by class."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np

from fitq_shared.dataset_manifest import Column, DatasetManifest
from fitq_shared.errors import BadJob
from fitq_shared.specs.base import Split
from fitq_shared.texts import printable
from fitq_worker.datasets.column_files import StoredColumn, writing_texts
from fitq_worker.datasets.findings import Findings
from fitq_worker.datasets.formats.folders import STREAM, class_columns, fetch, with_bounds
from fitq_worker.datasets.pictures import Channels, picture_size
from fitq_worker.datasets.source import RegisteredFiles

COLOURS: Channels = 3


def prepare(files: RegisteredFiles, folder: Path) -> list[StoredColumn]:
    """Bring all images, and look at the size of each. They are decoded when they are read.

    They have as many channels as the manifest says of a row, else three. An image that cannot be
    read is a fault of the column; so are several sizes, unless a job resizes them.
    """
    stream = fetch(files, folder)
    sizes = _Sizes()
    for file, start, end in with_bounds(files.manifest):
        files.obey()
        sizes.look(stream[start:end].tobytes(), file.path)
    pictures = [
        replace(
            _column(column, split, files.manifest, folder),
            shape=(*sizes.common, _channels(column)),
            sizes=sizes.difference,
            faults=sizes.findings.sentences(),
        )
        for column in files.manifest.columns
        if column.classes is None
        for split in files.manifest.splits
    ]
    return pictures + class_columns(files.manifest, folder)


@dataclass
class _Sizes:
    """The sizes of images, as height and width.

    Attributes:
        common: that of all of them; (0, 0) where there are several.
        difference: two files and their sizes, in words; empty where all have one.
        findings: the files that are no images.
    """

    common: tuple[int, int] = (0, 0)
    difference: str = ""
    findings: Findings = field(default_factory=Findings)
    _first: tuple[str, tuple[int, int]] | None = None

    def look(self, content: bytes, name: str) -> None:
        """Take one more image into account."""
        try:
            size = picture_size(content, name)
        except BadJob as error:
            self.findings.note("there are files that cannot be used", error.message)
            return
        if self._first is None:
            self._first, self.common = (name, size), size
        elif size != self._first[1] and not self.difference:
            self.common = (0, 0)
            self.difference = f"{_said(*self._first)}, but {_said(name, size)}"


def _said(name: str, size: tuple[int, int]) -> str:
    return f"{printable(name, 200)} is {size[0]} × {size[1]} (height × width)"


def _channels(column: Column) -> Channels:
    channels = column.shape[-1] if column.shape else COLOURS
    return cast(Channels, channels) if channels in (1, 3, 4) else COLOURS


def _column(column: Column, split: Split, manifest: DatasetManifest, folder: Path) -> StoredColumn:
    bounds, paths = folder / f"{split}-bounds.npy", folder / f"{split}-paths.npy"
    here = [found for found in with_bounds(manifest) if (found[0].split or "train") == split]
    np.save(bounds, np.array([found[1:] for found in here], np.int64).reshape(-1, 2))
    with writing_texts(paths) as writer:
        writer.append(file.path for file, _, _ in here)
    return StoredColumn(
        *(column.name, split, column.role, "image", bounds.name),
        content=STREAM,
        paths=paths.name,
        kind="image",
    )
