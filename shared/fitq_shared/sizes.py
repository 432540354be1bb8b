"""Amounts of memory as people write them: 20GiB, 24GB, 512MiB."""

from __future__ import annotations

import re

_UNITS = {"GiB": 2**30, "GB": 10**9, "MiB": 2**20, "MB": 10**6}
_FORM = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(GiB|GB|MiB|MB)", re.IGNORECASE)
_BY_LOWER_CASE = {unit.lower(): size for unit, size in _UNITS.items()}

A_SIZE = "a size with its unit, such as 20GiB, 24GB or 512MiB"


def bytes_of(text: str) -> int:
    """The bytes that a text means, rounded up.

    Raises:
        ValueError: it is no size; the text says what would be one.

    Example:
        >>> bytes_of("20GiB")
        21474836480
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(A_SIZE)
    return -int(-float(found[1]) * _BY_LOWER_CASE[found[2].lower()] // 1)


def gib(size: int) -> str:
    """Bytes in GiB, rounded to what a person would say.

    Example:
        >>> gib(21474836480)
        '20 GiB'
    """
    return f"{round(size / 2**30, 1):g} GiB"
