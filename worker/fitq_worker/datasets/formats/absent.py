"""Columns that a table should have, and has not."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from fitq_shared.errors import BadJob
from fitq_shared.texts import shown


def absent_columns(name: str, wanted: Sequence[str], there: Sequence[str]) -> BadJob | None:
    """What to raise where a file misses columns: it names them, and the nearest that is there.

    Args:
        name: what the file's owner calls it.
        wanted: the columns that are needed.
        there: those that the file has.
    """
    absent = [column for column in wanted if column not in there]
    if not absent:
        return None
    near = difflib.get_close_matches(absent[0], there, 1)
    guess = f" (did you mean {near[0]!r}?)" if near else ""
    has = shown(list(there), 200)[1:-1]
    return BadJob(
        f"{name} has no column {shown(absent)[1:-1]}{guess}: it has {has}",
        "name columns that are there",
    )
