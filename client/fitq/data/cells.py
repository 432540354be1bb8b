"""The cells of one column of a CSV: what they are, and which of them are not what they should be.

The worker reads them by the same rules (fitq_worker/datasets/cells.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from fitq.data.source import Cases
from fitq_shared.dataset_manifest import MOST_CLASSES, ColumnType
from fitq_shared.texts import shown

# Words that people look a thing up by, not sentences.
MOST_CATEGORIES = 100
LONGEST_CATEGORY = 50
# Whole numbers from 0 without a gap, and no more: more likely classes than amounts.
MOST_CLASS_NUMBERS = 20


class Cells:
    """Looks through the cells of one column, batch after batch, and forgets them.

    Args:
        declared: the column's type; None where nobody has said.
        pattern: of its dates, if they are not ISO 8601.
        missing: the cells that are missing values.
    """

    def __init__(
        self, declared: ColumnType | None, pattern: str | None, missing: Collection[str]
    ) -> None:
        self._declared = declared
        self._pattern = pattern
        self._markers = missing
        self.count = 0
        self.missing = Cases()
        self.empty = Cases()
        self.no_number = Cases()
        self.no_date = Cases()
        self._values: set[str] | None = set()
        self._longest = 0
        self._began_with_numbers = False

    def add(self, cells: Sequence[str], lines: Sequence[int]) -> None:
        """Look through some cells, each with the number of the line where its row ends."""
        self.count += len(cells)
        stripped = [cell.strip() for cell in cells]
        if self._markers or "" in stripped:
            kept = []
            for cell, line in zip(stripped, lines, strict=True):
                if cell in self._markers:
                    self.missing.add(_case(cell, line))
                elif not cell:
                    self.empty.add(_case(cell, line))
                else:
                    kept.append((cell, line))
            stripped, lines = [cell for cell, _ in kept], [line for _, line in kept]
        if self._declared in (None, "number"):
            _try(is_number, stripped, lines, self.no_number)
        if self._declared == "date" or (self._declared is None and self._may_be_dates):
            if self._declared is None and not self.no_number.count:
                self._began_with_numbers |= bool(stripped)
            else:
                _try(self._is_date, stripped, lines, self.no_date)
        if self._values is not None and self._declared in (None, "category"):
            self._values.update(stripped)
            self._longest = max(self._longest, *map(len, stripped)) if stripped else self._longest
            if len(self._values) > MOST_CLASSES:
                self._values = None

    @property
    def present(self) -> int:
        """How many cells hold a value."""
        return self.count - self.missing.count - self.empty.count

    def type(self, *, is_target: bool) -> ColumnType:
        """What was declared, or what the cells look like."""
        if self._declared is not None:
            return self._declared
        if self.present and not self.no_number.count:
            return "category" if is_target and self._look_like_classes() else "number"
        if self.present and self._may_be_dates:
            return "date"
        few = self._values is not None and (
            is_target
            or (
                len(self._values) <= min(MOST_CATEGORIES, max(self.present - 1, 1))
                and self._longest <= LONGEST_CATEGORY
            )
        )
        return "category" if few else "text"

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The values in order: numbers by size, else as text; None where they are too many."""
        if self._values is None:
            return None
        numbers = all(map(is_number, self._values))
        return tuple(sorted(self._values, key=_by_size if numbers else None))

    @property
    def nearly_numbers(self) -> bool:
        """Whether nobody has said the type, and most cells are numbers, but not all."""
        wrong = self.no_number.count
        return self._declared is None and 0 < 2 * wrong < self.present

    @property
    def _may_be_dates(self) -> bool:
        return not self.no_date.count and not self._began_with_numbers

    def _is_date(self, cell: str) -> bool:
        try:
            if self._pattern:
                datetime.strptime(cell, self._pattern)
            else:
                datetime.fromisoformat(cell)
        except (ValueError, OverflowError):
            return False
        return True

    def _look_like_classes(self) -> bool:
        values = self._values
        if values is None or len(values) > MOST_CLASS_NUMBERS:
            return False
        return values == {*map(str, range(len(values)))}


def is_number(cell: str) -> bool:
    """Whether a cell is a finite number, such as 5, -0.25 or 1e-3."""
    try:
        return math.isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return False


def _try(
    test: Callable[[str], bool], cells: Sequence[str], lines: Sequence[int], wrong: Cases
) -> None:
    for cell, line in zip(cells, lines, strict=True):
        if not test(cell):
            wrong.add(_case(cell, line))


def _by_size(text: str) -> tuple[float, str]:
    return float(text), text


def _case(cell: str, line: int) -> str:
    return f"{shown(cell, 30)} in line {line:,}"
