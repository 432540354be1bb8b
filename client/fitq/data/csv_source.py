"""CSV files: looked through once, from beginning to end, in little memory.

What the worker would refuse is found here, all of it at once, before anything is uploaded.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from fitq.data.cells import Cells, is_number
from fitq.data.places import Place, files_of
from fitq.data.roles import role_of
from fitq.data.source import Cases, Declared, LocalFile, Source, end_of, listed, unreadable
from fitq_shared.dataset_manifest import MOST_CLASSES, MOST_COLUMNS, Column
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.specs.base import Split
from fitq_shared.texts import shown

if TYPE_CHECKING:
    from _csv import Reader

BATCH = 4096
LARGEST_CELL = 2**24
LONGEST_NAME = 200
_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_SEPARATORS = (";", "\t", "|", ",")
Progress = Callable[[int], None]


def look_through(places: Sequence[Place], declared: Declared, progress: Progress) -> Source:
    """Look through the files of each split.

    Args:
        progress: told how many bytes were read since it was last told.

    Raises:
        InvalidInput: names every mistake: in the form of the files, in what was declared, and in
            the values, with their lines.
    """
    first = places[0].files[0]
    separator = declared.separator or ("\t" if first.suffix.lower() == ".tsv" else ",")
    files = files_of(places)
    table = _Table(declared, separator, progress)
    for file in files:
        table.read(file)
    table.check()
    return Source(
        "csv",
        tuple(files),
        table.columns(),
        rows=table.rows,
        separator=separator,
        missing=declared.missing,
        notes=table.notes(),
    )


class _Table:
    """All files as one table."""

    def __init__(self, declared: Declared, separator: str, progress: Progress) -> None:
        self._declared = declared
        self._separator = separator
        self._progress = progress
        self._names: list[str] = []
        self._cells: dict[str, Cells] = {}
        self._mistakes: list[Mistake] = []
        self.rows: dict[Split, int] = {}

    def read(self, file: LocalFile) -> None:
        """Look through one file."""
        split = file.split or "train"
        rows, ragged = 0, Cases()
        try:
            with self._open(file.path) as content:
                reader = csv.reader(content, delimiter=self._separator, strict=True)
                names = self._header(file, next(_full(reader), []))
                for columns, lines in self._batches(reader, names, ragged):
                    rows += len(lines)
                    for name, cells in columns.items():
                        self._cells[name].add(cells, lines)
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            found = f"after line {reader.line_num:,} there is the byte {byte:#04x}"
            self._wrong(file, f"text in UTF-8: {found}; save it as UTF-8")
        except csv.Error as error:
            self._wrong(file, f"a CSV: line {reader.line_num:,}: {error}")
        except OSError as error:
            raise unreadable("PATH", file.path, error) from None
        else:
            if ragged.count:
                self._wrong(file, f"{len(names)} cells in each row, as in the first; {ragged}")
            elif not rows and names:
                self._wrong(file, "rows below the names of the columns; there are none")
        self.rows[split] = self.rows.get(split, 0) + rows

    def check(self) -> None:
        """Refuse what cannot be used.

        Raises:
            InvalidInput: names all of it.
        """
        if self._names:
            self._mistakes += self._declared.unknown_columns(self._names)
        for name, found in self._cells.items():
            self._mistakes += self._column_mistakes(name, found)
        if self._mistakes:
            raise InvalidInput(self._mistakes)

    def columns(self) -> tuple[Column, ...]:
        """The columns as they were declared and found."""
        return tuple(self._column(name, found) for name, found in self._cells.items())

    def notes(self) -> tuple[str, ...]:
        """What nobody has declared."""
        if self._declared.targets:
            return ()
        return ("no --target was given: each job then has to say what it learns",)

    def _open(self, path: Path) -> contextlib.AbstractContextManager[IO[str]]:
        with path.open("rb") as file:
            start = file.read(4)
        for mark, encoding in _OTHER_ENCODINGS.items():
            if start.startswith(mark):
                expected = f"text in UTF-8: it is {encoding}; save it as UTF-8"
                raise InvalidInput([*self._mistakes, Mistake("PATH", end_of(path), expected)])
        csv.field_size_limit(LARGEST_CELL)
        return path.open(encoding="utf-8-sig", newline="")

    def _header(self, file: LocalFile, row: Sequence[str]) -> list[str]:
        """The names of the columns, which all files share. Empty where they make no sense."""
        names = [name.strip() for name in row]
        before = len(self._mistakes)
        if not names:
            self._wrong(file, "a first line that names the columns; the file is empty")
            return []
        others = [mark for mark in _SEPARATORS if mark in names[0]]
        if len(names) == 1 and others and not self._declared.separator:
            mark = shown("tab" if others[0] == "\t" else others[0])
            expected = f"cells with {self._separator!r} between them; if it is {mark}"
            self._wrong(file, f"{expected}, say --separator {mark}")
            return []
        if all(map(is_number, names)):
            self._wrong(file, f"a first line that names the columns, not {shown(row)}")
        if nameless := [str(at) for at, name in enumerate(names, 1) if not name]:
            found = listed(nameless)
            self._wrong(file, f"a name for each column in the first line; none has column {found}")
        twice = [name for name, count in Counter(names).items() if name and count > 1]
        if twice:
            found = listed(map(shown, twice))
            self._wrong(file, f"a name of its own for each column; several are named {found}")
        for name in names:
            if len(name) > LONGEST_NAME or not name.isprintable():
                expected = f"names of columns of at most {LONGEST_NAME} letters, none hidden"
                self._wrong(file, f"{expected}; one is {shown(name)}")
        if len(names) > MOST_COLUMNS:
            self._wrong(file, f"at most {MOST_COLUMNS:,} columns; there are {len(names):,}")
        if len(self._mistakes) > before:
            return []
        if not self._names:
            self._names = names
            for name in names:
                kind = self._declared.types.get(name)
                pattern = self._declared.formats.get(name)
                self._cells[name] = Cells(kind, pattern, self._declared.missing)
        elif {*names} != {*self._names}:
            other = sorted({*names} ^ {*self._names})
            found = listed(map(shown, other))
            self._wrong(file, f"the same columns as in the first file; not in both: {found}")
            return []
        return names

    def _batches(
        self, reader: Reader, names: Sequence[str], ragged: Cases
    ) -> Iterator[tuple[dict[str, Sequence[str]], list[int]]]:
        """The rows that are as long as they should be, by column, and their lines."""
        if not names:
            return
        rows: list[list[str]] = []
        lines: list[int] = []
        size = 0
        for row in _full(reader):
            size += sum(map(len, row)) + len(row)
            if len(row) != len(names):
                ragged.add(f"line {reader.line_num:,} has {len(row)}")
                continue
            rows.append(row)
            lines.append(reader.line_num)
            if len(rows) == BATCH:
                self._progress(size)
                yield dict(zip(names, zip(*rows, strict=True), strict=True)), lines
                rows, lines, size = [], [], 0
        self._progress(size)
        if rows:
            yield dict(zip(names, zip(*rows, strict=True), strict=True)), lines

    def _column_mistakes(self, name: str, found: Cells) -> Iterator[Mistake]:
        is_target = name in self._declared.targets
        kind = found.type(is_target=is_target)
        where = f"column {name}"
        if kind in ("image", "array"):
            yield Mistake(where, kind, "number, category, text or date, which a CSV can hold")
            return
        if found.nearly_numbers:
            marker = found.no_number.first[0].partition(" in line ")[0]
            yield Mistake(
                where,
                str(found.no_number),
                f"numbers, as in the other rows; say what it is with --missing {marker} or "
                f"--type {shown(f'{name}=text')} (or category)",
            )
        elif kind == "number" and found.no_number.count:
            yield Mistake(where, str(found.no_number), "numbers, as declared")
        if kind == "date" and found.no_date.count:
            pattern = self._declared.formats.get(name)
            how = f"dates like {pattern}" if pattern else "dates in ISO 8601, such as 2024-12-31"
            yield Mistake(where, str(found.no_date), f"{how}; or --type {name}=date:%d.%m.%Y")
        if kind != "text" and found.empty.count:
            yield Mistake(where, str(found.empty), "a value in each row, or --missing ''")
        if found.missing.count and not self._may_miss(name):
            how = "since it is a target" if is_target else f"or --may-miss {shown(name)}"
            yield Mistake(where, str(found.missing), f"a value in each row, {how}")
        if is_target and kind == "category" and found.classes is None:
            yield Mistake(where, f"over {MOST_CLASSES:,} values", f"at most {MOST_CLASSES} classes")

    def _may_miss(self, name: str) -> bool:
        named = self._declared.may_miss
        return name not in self._declared.targets and (not named or name in named)

    def _column(self, name: str, found: Cells) -> Column:
        role = role_of(name, self._declared, self._declared.targets)
        kind = found.type(is_target=role == "target")
        return Column(
            name=name,
            type=kind,
            role=role,
            may_miss=self._may_miss(name)
            and (found.missing.count > 0 or name in self._declared.may_miss),
            format=self._declared.formats.get(name) if kind == "date" else None,
            classes=found.classes if role == "target" and kind == "category" else None,
        )

    def _wrong(self, file: LocalFile, expected: str) -> None:
        self._mistakes.append(Mistake("PATH", end_of(file.path), expected))


def _full(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows; a line without anything is none."""
    return (row for row in rows if row)
