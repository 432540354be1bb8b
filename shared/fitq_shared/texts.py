"""Values and text from outside, made fit to print: short, on one line, nothing that a terminal
obeys."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from difflib import get_close_matches

SHOWN_LETTERS = 60


def shown(value: object, limit: int = SHOWN_LETTERS) -> str:
    """The value as Python writes it, escaped, and cut to at most `limit` letters.

    Example:
        >>> shown("a\\x1b[2J")
        "'a\\\\x1b[2J'"
    """
    text = _Short(limit).repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def printable(text: str, limit: int | None = None) -> str:
    """The text with everything escaped that is no letter, digit, sign or space.

    That takes control characters, line breaks, terminal escapes, marks that turn the direction
    of writing, and halves of surrogate pairs.
    """
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def plain(text: str) -> str:
    """Text of several lines, of which nothing but the letters and the line breaks stays."""
    return "\n".join(printable(line.expandtabs()) for line in text.split("\n"))


class _Short(reprlib.Repr):
    """Writes only as much of a value as can be shown, however large or deep the value is."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = 12
        self.maxother = self.maxlong = limit + 1
        self._limit = limit

    def repr_str(self, x: str, level: int) -> str:
        return repr(x[: self._limit + 1])

    def repr_int(self, x: int, level: int) -> str:
        return f"a number of {x.bit_length()} bits" if x.bit_length() > 128 else repr(x)


def did_you_mean(given: str, names: Iterable[str]) -> str:
    """The end of a message that something is not there: the nearest of what is, or nothing."""
    near = get_close_matches(given, list(names), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
