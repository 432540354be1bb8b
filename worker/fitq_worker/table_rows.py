"""The rows of a CSV file as a model takes them, by the names of its columns."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fitq_shared.errors import BadJob
from fitq_shared.texts import shown
from fitq_worker.array_examples import ArrayExamples
from fitq_worker.datasets import cells
from fitq_worker.datasets.findings import Findings
from fitq_worker.datasets.formats.csv_rows import CsvFile
from fitq_worker.datasets.formats.csv_table import find_columns
from fitq_worker.input_files import read_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq_shared.dataset_manifest import Column, DatasetManifest
    from fitq_shared.specs.predict import TableRows
    from fitq_shared.store import Store
    from fitq_worker.examples import Examples
    from fitq_worker.interface import Input, Interface

AGAIN = "correct these lines; the model takes what it was trained on"
_KINDS = {"number": "numbers", "whole": "whole numbers", "date": "dates"}


def read_table(
    store: Store, rows: TableRows, interface: Interface, manifest: DatasetManifest | None
) -> Examples:
    """Read the columns that a model takes; others are not looked at.

    Args:
        manifest: of the data set that the model was trained on, if it is a registered one.

    Raises:
        BadJob: the file is no CSV; or names all columns that are missing, all rows of another
            length and all values of another type, by their lines.
        StoreError: the file in the store is not the one that was submitted.
    """
    content = read_input(store, rows)
    _check_single_values(interface)
    declared = {column.name: column for column in manifest.columns} if manifest else {}
    readers = {
        name: _Cells(name, one, declared.get(name), manifest.missing if manifest else ())
        for one in interface.inputs
        for name in one.columns
    }
    findings = Findings()
    with tempfile.TemporaryDirectory(prefix="fitq-") as folder:
        path = Path(folder) / "rows.csv"
        path.write_bytes(content)
        table = CsvFile(path, rows.file, rows.separator)
        places = find_columns(table, list(readers))
        for batch in table.batches(findings):
            for reader, place in zip(readers.values(), places, strict=True):
                reader.add(batch.columns[place], batch.lines, findings)
    if sentences := findings.sentences():
        raise BadJob("\n".join(sentences), AGAIN)
    examples = ArrayExamples({name: reader.values() for name, reader in readers.items()})
    if not len(examples):
        raise BadJob(f"{rows.file} has no rows below the names of its columns", "give some rows")
    return examples


class _Cells:
    """The cells of one column, as the model takes them."""

    def __init__(
        self, name: str, one: Input, column: Column | None, missing: Collection[str]
    ) -> None:
        self._name = name
        self._column = column
        self._texts = one.dtype == "str"
        self._dtype = np.dtype(object if self._texts else one.dtype)
        may_miss = column is not None and column.may_miss
        self._missing = (*missing, "") if may_miss else ()
        self._parts: list[NDArray[Any]] = []

    def add(self, texts: Sequence[str], lines: Sequence[int], findings: Findings) -> None:
        """Some more of them; those that are wrong are noted by their lines."""
        if self._texts:
            is_text = self._column is None or self._column.type == "text"
            read = cells.read_texts if is_text else cells.read_names
            values = np.empty(len(texts), object)
            values[:] = [value or "" for value in read(texts, self._missing)]
            self._parts.append(values)
            return
        is_date = self._column is not None and self._column.type == "date"
        if is_date and self._column is not None:
            found = cells.read_dates(texts, self._missing, self._column.format)
        else:
            found = cells.read_numbers(texts, self._missing)
        whole = self._dtype.kind in "iu"
        wrong = found.is_wrong | (~found.missing & ~np.isfinite(found.values))
        if whole:
            wrong |= found.values != np.floor(found.values)
        for place in np.flatnonzero(wrong).tolist():
            kind = _KINDS["date" if is_date else "whole" if whole else "number"]
            case = f"{shown(texts[place], 40)} in line {lines[place]:,}"
            findings.note(f"the column {self._name!r} holds {kind}, but also", case)
        self._parts.append(np.where(wrong, 0, found.values).astype(self._dtype))

    def values(self) -> NDArray[Any]:
        """All of them: shape (n,)."""
        return np.concatenate(self._parts) if self._parts else np.empty(0, self._dtype)


def _check_single_values(interface: Interface) -> None:
    wrong = [
        f"{one.name!r} takes shape {one.shape}"
        for one in interface.inputs
        if len(one.columns) == 1 and one.shape not in ((), (1,))
    ]
    if wrong:
        raise BadJob(
            f"a CSV file has one value for each column, but the model's input {', '.join(wrong)}",
            "give images as files, or arrays as an .npz",
        )
