"""CSV: a table as text, read once from beginning to end, and kept column by column."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fitq_shared.dataset_manifest import Column
from fitq_shared.errors import BadJob
from fitq_shared.texts import shown
from fitq_worker.datasets import cells
from fitq_worker.datasets.column_builders import (
    Builder,
    Categories,
    CategoryBuilder,
    NumberBuilder,
    new_builder,
)
from fitq_worker.datasets.column_files import StoredColumn
from fitq_worker.datasets.findings import Findings
from fitq_worker.datasets.formats.absent import absent_columns
from fitq_worker.datasets.formats.csv_rows import AS_CSV, CsvFile
from fitq_worker.datasets.source import Obey, RegisteredFiles

_HOLDS = {"number": "numbers", "date": "dates", "category": "its declared classes", "text": "texts"}


def prepare(files: RegisteredFiles, folder: Path) -> list[StoredColumn]:
    """Read all rows, and write each column of each split into files of its own in the folder.

    A column that has values which it does not allow names them in its faults.

    Raises:
        BadJob: a file is no CSV, has rows of another length, or misses a column.
    """
    with files.borrowed(folder / "files") as place:
        return _read_all(files, place, folder)


def _read_all(files: RegisteredFiles, place: Path, folder: Path) -> list[StoredColumn]:
    manifest, findings = files.manifest, Findings()
    categories = {c.name: Categories(c.name, c.classes) for c in manifest.columns}
    sinks: list[_Sink] = []
    for split in manifest.splits:
        here = [
            _Sink(
                column,
                manifest.missing if column.may_miss else (),
                new_builder(column, split, folder / f"{split}-{at}.npy", categories[column.name]),
            )
            for at, column in enumerate(manifest.columns)
        ]
        for file in manifest.files:
            if (file.split or "train") == split:
                table = CsvFile(place / file.path, file.path, manifest.separator)
                _pour(table, here, findings, files.obey)
        sinks += here
    if sentences := findings.sentences():
        raise BadJob("\n".join(sentences), AS_CSV)
    return [sink.finish() for sink in sinks]


def find_columns(table: CsvFile, names: Sequence[str]) -> list[int]:
    """Where the columns of these names are in a file, from 0.

    Raises:
        BadJob: names those that are not there, and the nearest that is.
    """
    if found := absent_columns(table.name, names, table.columns):
        raise found
    return [table.columns.index(name) for name in names]


@dataclass
class _Sink:
    """Takes the cells of one column, and remembers those that it does not allow."""

    column: Column
    missing: Collection[str]
    builder: Builder
    findings: Findings = field(default_factory=Findings)

    def add(self, texts: Sequence[str], lines: Sequence[int]) -> None:
        holds = _HOLDS[self.column.type or "text"]
        for place in self._put(texts):
            case = f"{shown(texts[place], 40)} in line {lines[place]:,}"
            self.findings.note(f"the column {self.column.name!r} holds {holds}, but also", case)

    def _put(self, texts: Sequence[str]) -> Sequence[int]:
        """Write the values; gives the places of those that are not allowed."""
        if isinstance(self.builder, NumberBuilder):
            if self.column.type == "date":
                found = cells.read_dates(texts, self.missing, self.column.format)
            else:
                found = cells.read_numbers(texts, self.missing)
            missing = found.missing | (self.column.may_miss & np.isnan(found.values))
            self.builder.add(np.where(found.is_wrong, 0.0, found.values), missing)
            return found.wrong
        if isinstance(self.builder, CategoryBuilder):
            return self.builder.add(cells.read_names(texts, self.missing))
        self.builder.add(cells.read_texts(texts, self.missing))
        return ()

    def finish(self) -> StoredColumn:
        return replace(self.builder.finish(), faults=self.findings.sentences())


def _pour(table: CsvFile, sinks: Sequence[_Sink], findings: Findings, obey: Obey) -> None:
    places = find_columns(table, [sink.column.name for sink in sinks])
    for batch in table.batches(findings):
        obey()
        for sink, place in zip(sinks, places, strict=True):
            sink.add(batch.columns[place], batch.lines)
