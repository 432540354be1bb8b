"""Which columns of a table fit into a terminal, and how wide each becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rich.cells import cell_len

GAP = 2
# A column that folds cuts only words that are longer.
LONGEST_WORD = 30


@dataclass(frozen=True)
class Fitted:
    """The columns that are shown, from the left, each with its width; and the names of the others.

    A table that cannot be made narrow enough is wider than there is room: nothing is cut.
    """

    widths: dict[int, int]
    hidden: tuple[str, ...]

    @property
    def width(self) -> int:
        """The whole table's width, in cells."""
        return _total(self.widths)


def fit(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    room: int,
    *,
    hide: Sequence[str] = (),
    fold: Mapping[str, int] = MappingProxyType({}),
) -> Fitted:
    """Fold and leave out columns until a table fits.

    Args:
        room: cells in a line.
        hide: the columns that can be left out, the least important first; some may not be there.
        fold: those whose text may go on in the next line, between words, and how many cells each
            keeps at least.
    """
    cells = [[header, *(row[at] for row in rows)] for at, header in enumerate(headers)]
    widest = {at: max(map(cell_len, column)) for at, column in enumerate(cells)}
    least = {
        at: min(widest[at], max(fold[headers[at]], _longest_word(column)))
        if headers[at] in fold
        else widest[at]
        for at, column in enumerate(cells)
    }
    places = {header: at for at, header in enumerate(headers)}
    hidden: list[str] = []
    for name in hide:
        if _total(least) <= room:
            break
        if least.pop(places.get(name, -1), None) is not None:
            hidden.append(name)
    spare = room - _total(least)
    for at, width in least.items():
        more = min(max(spare, 0), widest[at] - width)
        least[at] += more
        spare -= more
    return Fitted(least, tuple(hidden))


def _longest_word(column: Sequence[str]) -> int:
    longest = max((cell_len(word) for text in column for word in text.split()), default=0)
    return max(min(longest, LONGEST_WORD), cell_len(column[0]))


def _total(widths: dict[int, int]) -> int:
    return sum(widths.values()) + GAP * max(len(widths) - 1, 0)
