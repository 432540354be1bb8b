"""Lengths of time as people write them: 90, 90s, 15min, 2h, 1d."""

from __future__ import annotations

import re

DAY = 86400.0
_UNITS = {"d": DAY, "h": 3600.0, "min": 60.0, "s": 1.0}
_FORM = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(d|h|min|s)?")


def seconds_of(text: str) -> float:
    """The seconds that a text means; a number alone is seconds.

    Raises:
        ValueError: it is no length of time; the text says what would be one.

    Example:
        >>> seconds_of("15min")
        900.0
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError("a time such as 90, 90s, 15min, 2h or 1d")
    return float(found[1]) * _UNITS[found[2] or "s"]


def exactly(seconds: float) -> str:
    """The seconds in the largest unit that does not round them.

    Example:
        >>> exactly(5400.0)
        '90 min'
    """
    unit = next((unit for unit, size in _UNITS.items() if seconds and seconds % size == 0), "s")
    return f"{seconds / _UNITS[unit]:.10g} {unit}"
