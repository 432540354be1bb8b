"""Values written as text, as CSV has them, read as what a column declares."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Numbers:
    """What cells say as numbers.

    Attributes:
        values: float64 of shape (n,), NaN where there is none.
        missing: bool of shape (n,): the cells that hold a marker of what is missing.
        wrong: the places of the cells that hold something else; their values are NaN.
    """

    values: NDArray[np.float64]
    missing: NDArray[np.bool_]
    wrong: tuple[int, ...]

    @property
    def is_wrong(self) -> NDArray[np.bool_]:
        """Whether a cell is one of those: bool of shape (n,)."""
        found = np.zeros(len(self.values), bool)
        found[list(self.wrong)] = True
        return found


def read_numbers(cells: Sequence[str], missing: Collection[str]) -> Numbers:
    """Cells as numbers, such as 5, -0.25 or 1e-3."""
    return _read(cells, missing, number)


def read_dates(
    cells: Sequence[str], missing: Collection[str], pattern: str | None = None
) -> Numbers:
    """Cells as days since 1970: see `days`."""
    return _read(cells, missing, lambda cell: days(cell, pattern))


def read_names(cells: Sequence[str], missing: Collection[str]) -> list[str | None]:
    """Cells as names of categories, without spaces around them; None where one is missing."""
    return [None if (name := cell.strip()) in missing else name for cell in cells]


def read_texts(cells: Sequence[str], missing: Collection[str]) -> list[str | None]:
    """Cells as texts, as they are; None where one is missing."""
    return [None if cell.strip() in missing else cell for cell in cells]


def number(text: str) -> float:
    """The number that a text means.

    Raises:
        ValueError: none. Python's own 1_000 is none either.
    """
    if "_" in text:
        raise ValueError(text)
    return float(text)


def days(text: str, pattern: str | None = None) -> float:
    """The days since the beginning of 1970 in UTC, of a date or time.

    Args:
        pattern: how it is written, as strptime takes it; None for ISO 8601.

    Example:
        >>> days("1970-01-02T12:00")
        1.5

    Raises:
        ValueError: it is no such date.
    """
    text = text.strip()
    time = datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() / SECONDS_A_DAY


def _read(cells: Sequence[str], missing: Collection[str], parse: Callable[[str], float]) -> Numbers:
    gone = np.array([cell.strip() in missing for cell in cells], bool)
    values: list[Any] = []
    wrong: list[int] = []
    for at, (cell, is_gone) in enumerate(zip(cells, gone.tolist(), strict=True)):
        try:
            values.append(np.nan if is_gone else parse(cell))
        except (ValueError, OverflowError):
            values.append(np.nan)
            wrong.append(at)
    return Numbers(np.array(values, np.float64), gone, tuple(wrong))
