"""Folders of text files by class: one text a file."""

from __future__ import annotations

import codecs
from dataclasses import replace
from pathlib import Path

import numpy as np

from fitq_shared.dataset_manifest import Column
from fitq_shared.specs.base import Split
from fitq_shared.texts import shown
from fitq_worker.datasets.column_files import StoredColumn
from fitq_worker.datasets.findings import Findings
from fitq_worker.datasets.formats.folders import (
    STREAM,
    Placed,
    class_columns,
    fetch,
    with_bounds,
)
from fitq_worker.datasets.source import RegisteredFiles


def prepare(files: RegisteredFiles, folder: Path) -> list[StoredColumn]:
    """Bring all texts, and see that each is UTF-8, with a byte order mark or without."""
    stream = fetch(files, folder)
    findings = Findings()
    placed: list[Placed] = []
    for file, start, end in with_bounds(files.manifest):
        content = stream[start:end].tobytes()
        mark = len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0
        placed.append((file, start + mark, end))
        try:
            content.decode()
        except UnicodeDecodeError as error:
            case = f"{shown(file.path, 200)} at byte {error.start:,}"
            findings.note("there are texts that are not UTF-8", case)
    texts = [
        replace(_column(column, split, placed, folder), faults=findings.sentences())
        for column in files.manifest.columns
        if column.classes is None
        for split in files.manifest.splits
    ]
    return texts + class_columns(files.manifest, folder)


def _column(column: Column, split: Split, placed: list[Placed], folder: Path) -> StoredColumn:
    bounds = folder / f"{split}-bounds.npy"
    here = [(start, end) for file, start, end in placed if (file.split or "train") == split]
    np.save(bounds, np.array(here, np.int64).reshape(-1, 2))
    return StoredColumn(*(column.name, split, column.role, "text", bounds.name, STREAM))
