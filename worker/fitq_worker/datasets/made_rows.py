"""Rows that a user's code makes, written to the worker's cache batch after batch."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fitq_shared.dataset_manifest import Role
from fitq_shared.errors import BadJob
from fitq_shared.specs.base import Split
from fitq_shared.texts import printable, shown
from fitq_worker.datasets.column_builders import Categories
from fitq_worker.datasets.column_files import StoredColumn
from fitq_worker.datasets.disk_cache import SIZE_VARIABLE
from fitq_worker.datasets.made_column import MOST_CLASSES, MadeColumn, new_column
from fitq_worker.time_limit import seconds_of

log = logging.getLogger("fitq.job")

SECONDS = "FITQ_MAKE_SECONDS"
DEFAULT_SECONDS = 3600.0
FIRST_TOLD = 10_000
"""Rows of which the log tells first, and then of ten times as many each time."""

Batch = Mapping[Role, Mapping[str, NDArray[Any]]]
"""Arrays of equally many rows, by role and name."""


class MadeRows:
    """The rows of a data set, as they come.

    Args:
        name: of the function that makes them, for messages.
        folder: where they go.
        room: how many bytes they may take on the disk.

    Raises:
        InvalidInput: FITQ_MAKE_SECONDS, how long they may take to come, is no number of seconds.
    """

    def __init__(self, name: str, folder: Path, room: int) -> None:
        self._name = name
        self._folder = folder
        self._room = room
        self._rows = 0
        self._told_at = FIRST_TOLD
        self._seconds = seconds_of(SECONDS, DEFAULT_SECONDS)
        self._end = time.monotonic() + self._seconds
        self._columns: dict[Split, dict[str, MadeColumn]] = {}
        self._categories: dict[str, Categories] = {}

    def append(self, split: Split, batch: Batch) -> None:
        """Add rows.

        Raises:
            BadJob: they are not like those before, no numbers or texts, too many, or too late.
        """
        arrays = {name: array for named in batch.values() for name, array in named.items()}
        if len({len(array) for array in arrays.values()}) != 1:
            lengths = ", ".join(f"{name}: {len(array)}" for name, array in arrays.items())
            raise self._bad(f"gives different numbers of rows: {printable(lengths, 200)}")
        if split not in self._columns:
            self._columns[split] = self._begin(split, batch)
        columns = self._columns[split]
        if columns.keys() != arrays.keys():
            raise self._bad(f"gives {shown(sorted(arrays))} after {shown(sorted(columns))}")
        for name, array in arrays.items():
            try:
                columns[name].append(array)
            except ValueError as error:
                raise self._bad(f"gives for {name!r} {error}") from error
        self._rows += len(next(iter(arrays.values())))
        self._check_amount()

    def finish(self) -> list[StoredColumn]:
        """Close all files. Whole numbers that are a target are classes, if they look like it.

        Raises:
            BadJob: there are no rows.
        """
        if not self._columns:
            raise self._bad("gives no rows")
        return [
            column.finish(self._classes(name))
            for columns in self._columns.values()
            for name, column in columns.items()
        ]

    def _check_amount(self) -> None:
        """See that what does not end is stopped, and that its owner hears of it before."""
        size = sum(one.size for columns in self._columns.values() for one in columns.values())
        so_far = f"{self._rows:,} rows so far ({size / 2**20:,.1f} MiB)"
        if size > self._room:
            raise self._bad(
                f"has given {so_far}: more than this worker's cache has room for ({SIZE_VARIABLE})",
                "let it come to an end, or give the worker a larger cache",
            )
        if time.monotonic() > self._end:
            raise self._bad(
                f"has given {so_far}, and was not done after {self._seconds:g} s ({SECONDS})",
                "let it come to an end, or give it more time on the worker",
            )
        if self._rows >= self._told_at:
            self._told_at *= 10
            log.info("%s has given %s", self._name, so_far)

    def _begin(self, split: Split, batch: Batch) -> dict[str, MadeColumn]:
        columns: dict[str, MadeColumn] = {}
        for role, arrays in batch.items():
            for name, array in arrays.items():
                if name in columns:
                    raise self._bad(f"gives two things that are named {shown(name)}")
                path = self._folder / f"{split}-{len(columns)}.npy"
                categories = self._categories.setdefault(name, Categories(name))
                stored = StoredColumn(name, split, role, "array", path.name)
                try:
                    columns[name] = new_column(stored, path, array, categories)
                except ValueError as error:
                    raise self._bad(f"gives for {name!r} {error}") from error
        return columns

    def _classes(self, name: str) -> int:
        """How many classes a column has, in all splits together; 0 where it has none."""
        found: set[int] = set()
        for columns in self._columns.values():
            if name in columns:
                values = columns[name].classes
                if values is None:
                    return 0
                found |= values
        return max(found) + 1 if min(found, default=-1) >= 0 and max(found) < MOST_CLASSES else 0

    def _bad(self, found: str, hint: str = "") -> BadJob:
        return BadJob(
            f"{self._name} {found}",
            hint or "let it give arrays, or the same for each row: see docs/data.md",
        )
