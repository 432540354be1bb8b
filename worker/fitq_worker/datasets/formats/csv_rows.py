"""The rows of CSV files, in batches; whatever is wrong in their form is named by its line."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from fitq_shared.errors import BadJob
from fitq_shared.texts import printable, shown
from fitq_worker.datasets.findings import Findings

if TYPE_CHECKING:
    from _csv import Reader

BATCH = 4096
LARGEST_CELL = 2**24
AS_CSV = "save it as CSV in UTF-8, one row of names first, and register it again"
_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


@dataclass(frozen=True)
class Batch:
    """Some rows: the line on which each ends, and for each column its cells."""

    lines: Sequence[int]
    columns: Sequence[Sequence[str]]


class CsvFile:
    """A CSV file whose first row names the columns.

    Args:
        path: the file.
        name: what its owner calls it, for messages.
        delimiter: what stands between two values.

    Raises:
        BadJob: it is empty, not UTF-8, or its first row does not name the columns.
    """

    def __init__(self, path: Path, name: str, delimiter: str = ",") -> None:
        self._path = path
        self.name = printable(name, 200)
        self._delimiter = delimiter
        with self._open() as file:
            self.columns = self._header(self._reader(file))

    def batches(self, findings: Findings) -> Iterator[Batch]:
        """All rows with as many values as there are columns; the others are noted.

        Raises:
            BadJob: the file's text cannot be read.
        """
        csv.field_size_limit(LARGEST_CELL)
        with self._open() as file:
            reader = self._reader(file)
            next(reader)
            lines: list[int] = []
            rows: list[list[str]] = []
            for row in self._rows(reader):
                if len(row) != len(self.columns):
                    case = f"line {reader.line_num} has {len(row)}"
                    findings.note(f"{self.name} has {len(self.columns)} columns, but", case)
                    continue
                lines.append(reader.line_num)
                rows.append(row)
                if len(rows) == BATCH:
                    yield Batch(lines, list(zip(*rows, strict=True)))
                    lines, rows = [], []
            if rows:
                yield Batch(lines, list(zip(*rows, strict=True)))

    def _rows(self, reader: Reader) -> Iterator[list[str]]:
        try:
            for row in reader:
                if row:  # a line without anything is no row
                    yield row
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            found = f"it is not UTF-8: after line {reader.line_num:,} there is the byte {byte:#04x}"
            raise self._bad(found) from error
        except csv.Error as error:
            raise self._bad(f"in line {reader.line_num:,}: {error}") from error

    def _header(self, reader: Reader) -> list[str]:
        names = [name.strip() for name in next(self._rows(reader), [])]
        if not names:
            raise self._bad("it is empty")
        if nameless := [str(at) for at, name in enumerate(names, 1) if not name]:
            raise self._bad(f"its first row gives no name to column {', '.join(nameless[:5])}")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise self._bad(f"two of its columns are named {shown(twice[0])}")
        return names

    def _open(self) -> IO[str]:
        with self._path.open("rb") as file:
            start = file.read(4)
        for mark, encoding in _OTHER_ENCODINGS.items():
            if start.startswith(mark):
                raise self._bad(f"it is {encoding}, not UTF-8")
        return self._path.open(encoding="utf-8-sig", newline="")

    def _reader(self, file: IO[str]) -> Reader:
        return csv.reader(file, delimiter=self._delimiter, strict=True)

    def _bad(self, found: str) -> BadJob:
        return BadJob(f"{self.name} cannot be read as CSV: {found}", AS_CSV)
