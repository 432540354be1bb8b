"""What is to be registered: declared by its owner, and found by looking through it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from fitq_shared.dataset_manifest import (
    Chunk,
    CodeSource,
    Column,
    ColumnType,
    DataFile,
    DatasetManifest,
    Format,
)
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.specs.base import Split
from fitq_shared.specs.mistakes import unknown_choice
from fitq_shared.texts import printable

MOST_CASES = 3
LONGEST_PATH = 56


@dataclass(frozen=True)
class Declared:
    """What the owner says of the data.

    Attributes:
        targets, inputs: names of columns or arrays; without inputs, all others are.
        types: of columns, by name; `formats` has strptime's pattern of dates that are not ISO 8601.
        missing: the cells that are missing values.
        may_miss: the columns in which values may be missing; without any, all but targets.
        separator: between the cells of a CSV; None: a comma, in *.tsv a tab.
        channels: of the images of a folder: 1, 3 or 4; None: 3.
        test: where the test split is, if not in the same place.
        options: keyword arguments of a function that makes the data.
    """

    targets: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    may_miss: tuple[str, ...] = ()
    separator: str | None = None
    channels: int | None = None
    test: Path | None = None
    options: Mapping[str, object] = field(default_factory=dict)

    def unknown_columns(self, names: Sequence[str]) -> list[Mistake]:
        """A mistake for each name that is none of these, with the nearest that is."""
        given = {
            "--target": self.targets,
            "--input": self.inputs,
            "--type": tuple(self.types),
            "--may-miss": self.may_miss,
        }
        return [
            unknown_choice(option, name, names)
            for option, chosen in given.items()
            for name in chosen
            if name not in names
        ]


@dataclass(frozen=True)
class LocalFile:
    """A file to register: where it is here, and what it is in the data set (see DataFile).

    `stamp` is when it was last changed, as it was looked through; `content` is for a file that
    is only made for this.
    """

    path: Path
    name: str
    size: int
    stamp: int
    split: Split | None = None
    label: int | None = None
    content: bytes | None = None

    @classmethod
    def of(
        cls, path: Path, name: str, split: Split | None = None, label: int | None = None
    ) -> LocalFile:
        """A file as it is now.

        Raises:
            OSError: it cannot be looked at.
        """
        stat = path.stat()
        return cls(path, name, stat.st_size, stat.st_mtime_ns, split, label)

    def open(self) -> IO[bytes]:
        """Its content, to be read from the beginning."""
        return self.path.open("rb") if self.content is None else io.BytesIO(self.content)

    @property
    def is_unchanged(self) -> bool:
        """Whether it still is as it was looked through."""
        if self.content is not None:
            return True
        try:
            stat = self.path.stat()
        except OSError:
            return False
        return (stat.st_size, stat.st_mtime_ns) == (self.size, self.stamp)


@dataclass(frozen=True)
class Source:
    """What was found: all of a manifest but its chunks. `notes` are for its owner to read."""

    format: Format
    files: tuple[LocalFile, ...]
    columns: tuple[Column, ...] = ()
    complete: bool = True
    rows: Mapping[Split, int] = field(default_factory=dict)
    separator: str = ","
    missing: tuple[str, ...] = ()
    code: CodeSource | None = None
    notes: tuple[str, ...] = ()

    def manifest(self, chunks: Sequence[Chunk]) -> DatasetManifest:
        """The manifest, once the files are cut into chunks."""
        return DatasetManifest.model_validate(
            {
                "format": self.format,
                "files": [
                    DataFile(path=file.name, size=file.size, split=file.split, label=file.label)
                    for file in self.files
                ],
                "chunks": chunks,
                "columns": self.columns,
                "complete": self.complete,
                "rows": dict(self.rows),
                "separator": self.separator,
                "missing": self.missing,
                "code": self.code,
            }
        )


def end_of(path: Path | str) -> str:
    """A path, of which the end is shown where it is long: that tells one file from another."""
    text = str(path)
    return text if len(text) <= LONGEST_PATH else f"…{text[1 - LONGEST_PATH :]}"


def unreadable(option: str, path: Path, error: Exception) -> InvalidInput:
    """That a file or folder cannot be read, as a mistake of this argument."""
    reason = getattr(error, "strerror", None) or printable(str(error), 100)
    return InvalidInput([Mistake(option, end_of(path), f"a file or folder ({reason})")])


@dataclass
class Cases:
    """How often something was found, and where first; of very many only these are kept."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, case: str) -> None:
        """Note one more."""
        self.count += 1
        if self.count <= MOST_CASES:
            self.first.append(case)

    def __str__(self) -> str:
        more = self.count - len(self.first)
        return ", ".join(self.first) + (f" and {more:,} more" if more else "")


def listed(found: Iterable[str]) -> Cases:
    """All of these as cases."""
    cases = Cases()
    for case in found:
        cases.add(case)
    return cases
