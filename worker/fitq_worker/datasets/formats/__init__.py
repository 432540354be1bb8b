"""The forms in which people bring their data, each made readable in any order of rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fitq_shared.dataset_manifest import Format
from fitq_worker.datasets.column_files import StoredColumn
from fitq_worker.datasets.formats import arrays, code, csv_table, images, parquet, texts
from fitq_worker.datasets.source import RegisteredFiles

Prepare = Callable[[RegisteredFiles, Path], list[StoredColumn]]
"""Writes the columns of a data set into an own folder, which may have files of an earlier try."""

FORMATS: dict[Format, Prepare] = {
    "code": code.prepare,
    "csv": csv_table.prepare,
    "images": images.prepare,
    "npy": arrays.prepare_npy,
    "npz": arrays.prepare_npz,
    "parquet": parquet.prepare,
    "texts": texts.prepare,
}
