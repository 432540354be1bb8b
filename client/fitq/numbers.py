"""How a measured number is written."""

from __future__ import annotations

import math

_SMALLEST, _LARGEST = 0.001, 1_000_000


def measure(value: float) -> str:
    """A loss or metric in five digits, six places wide: 0.1235, 12.346, 1234.6, 123457.

    What is larger or smaller has an exponent: 1.2346e+07, 1.2346e-05.
    """
    size = abs(value)
    if not math.isfinite(value):
        return f"{value}"
    if value and not _SMALLEST <= size < _LARGEST:
        return f"{value:.4e}"
    whole = len(str(int(size)))
    return f"{value:.{max(5 - whole, 0)}f}"


def count_or_measure(value: float) -> str:
    """A number that may count something, such as rows: whole if it is."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < _LARGEST):
        return f"{int(value)}"
    return measure(value)
