"""Parquet: a table that says itself which types its columns have; a null is a missing value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from fitq_shared.dataset_manifest import Column, ColumnType, DatasetManifest
from fitq_shared.errors import BadJob
from fitq_shared.texts import printable, shown
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
from fitq_worker.datasets.source import Obey, RegisteredFiles

BATCH = 8192
MICROSECONDS_A_DAY = 86_400_000_000


def prepare(files: RegisteredFiles, folder: Path) -> list[StoredColumn]:
    """Read all rows, and write each column of each split into files of its own in the folder.

    Raises:
        BadJob: this worker has no pyarrow, a file is no Parquet, or misses a column.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise BadJob(
            "this worker cannot read Parquet: it has no pyarrow",
            "install the worker with `pip install 'fitq-worker[parquet]'`, or register a CSV",
        ) from None
    with files.borrowed(folder / "files") as place:
        return _read_all(files, place, folder)


def _read_all(files: RegisteredFiles, place: Path, folder: Path) -> list[StoredColumn]:
    manifest = files.manifest
    tables = {file.path: _open(place / file.path, file.path) for file in manifest.files}
    columns = _columns(manifest, list(tables.values()))
    categories = {c.name: Categories(c.name, c.classes) for c in columns}
    sinks: list[_Sink] = []
    for split in manifest.splits:
        here = [
            _Sink(c, new_builder(c, split, folder / f"{split}-{at}.npy", categories[c.name]))
            for at, c in enumerate(columns)
        ]
        for file in manifest.files:
            if (file.split or "train") == split:
                _pour(tables[file.path], file.path, here, files.obey)
        sinks += here
    return [sink.finish() for sink in sinks]


def _open(path: Path, name: str) -> Any:
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(path, memory_map=True)
    except (pyarrow.ArrowException, OSError) as error:
        raise _bad(name, error) from error


def _columns(manifest: DatasetManifest, tables: Sequence[Any]) -> list[Column]:
    """What is declared, with the types that the first file has where nobody has declared one."""
    declared = {column.name: column for column in manifest.columns}
    if not manifest.complete:
        declared |= {
            name: Column(name=name, type=None)
            for name in tables[0].schema_arrow.names
            if name not in declared
        }
    return [
        column if column.type else column.model_copy(update={"type": _type(column, tables[0])})
        for column in declared.values()
    ]


def _type(column: Column, table: Any) -> ColumnType | None:
    """As the client would have said (client/fitq/data/parquet_source.py)."""
    from pyarrow import types

    if column.name not in table.schema_arrow.names:
        return None
    found = table.schema_arrow.field(column.name).type
    if types.is_date(found) or types.is_timestamp(found):
        return "date"
    if types.is_boolean(found) or types.is_dictionary(found):
        return "category"
    if types.is_string(found) or types.is_large_string(found):
        return "category" if column.role == "target" else "text"
    return "number"


@dataclass
class _Sink:
    """Takes the values of one column, and remembers those that it does not allow."""

    column: Column
    builder: Builder
    findings: Findings = field(default_factory=Findings)
    rows: int = 0

    def add(self, values: Any) -> None:
        import pyarrow

        name = self.column.name
        try:
            wrong = self._put(values)
        except (pyarrow.ArrowException, ValueError) as error:
            kind = "dates" if self.column.type == "date" else f"{self.column.type}s"
            text = printable(str(error).splitlines()[0], 100)
            self.findings.note(f"the column {name!r} is {values.type}, not {kind}", text)
            wrong = []
        for place in wrong:
            case = f"{shown(values[place].as_py(), 40)} in row {self.rows + place:,}"
            self.findings.note(f"the column {name!r} holds its declared classes, but also", case)
        self.rows += len(values)

    def _put(self, values: Any) -> Sequence[int]:
        """Write the values; gives the places of those that are not allowed."""
        import pyarrow

        if isinstance(self.builder, NumberBuilder):
            numbers = _days(values) if self.column.type == "date" else _numbers(values)
            missing = values.is_null().to_numpy(zero_copy_only=False)
            missing |= self.column.may_miss & np.isnan(numbers)
            self.builder.add(numbers, missing)
            return []
        if values.type in (pyarrow.string(), pyarrow.large_string()):
            texts = values.to_pylist()
        else:  # as Python writes them, like the client
            texts = [None if value is None else str(value) for value in values.to_pylist()]
        if isinstance(self.builder, CategoryBuilder):
            return self.builder.add([None if text is None else text.strip() for text in texts])
        self.builder.add(texts)
        return []

    def finish(self) -> StoredColumn:
        return replace(self.builder.finish(), faults=self.findings.sentences())


def _numbers(values: Any) -> Any:
    import pyarrow

    if pyarrow.types.is_boolean(values.type):
        values = values.cast(pyarrow.int8())
    return values.cast(pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False)


def _days(values: Any) -> Any:
    import pyarrow

    times = values.cast(pyarrow.timestamp("us"), safe=False).cast(pyarrow.int64())
    return times.to_numpy(zero_copy_only=False).astype(np.float64) / MICROSECONDS_A_DAY


def _pour(table: Any, name: str, sinks: Sequence[_Sink], obey: Obey) -> None:
    import pyarrow

    names = [sink.column.name for sink in sinks]
    if found := absent_columns(name, names, table.schema_arrow.names):
        raise found
    try:
        for batch in table.iter_batches(BATCH, columns=names):
            obey()
            for sink in sinks:
                sink.add(batch.column(batch.schema.get_field_index(sink.column.name)))
    except (pyarrow.ArrowException, OSError) as error:
        raise _bad(name, error) from error


def _bad(name: str, error: Exception) -> BadJob:
    text = printable(str(error).splitlines()[0], 200)
    return BadJob(
        f"{printable(name, 200)} cannot be read as Parquet: {text}",
        "write it again, and register it again",
    )
