"""The values that one parameter of a sweep may take, and how one of them is drawn."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError

from fitq_shared.errors import Mistake
from fitq_shared.specs.base import Spec
from fitq_shared.specs.mistakes import from_validation

Number = int | float
Scalar = bool | int | float | str
Value = Scalar | tuple[Scalar, ...]

MOST_VALUES = 1000
# Digits of a number that was drawn: enough to tell any two apart that matter, and fit to read.
DIGITS = 6
_RANGE = re.compile(r"(?P<low>[^.:]+(?:\.\d*)?[^.:]*)\.\.(?P<high>[^:]+?)(?::(?P<how>.+))?")
_A_RANGE = "a range such as 64..512, 1e-4..1e-1:log or 0..1:0.1, or values such as 64,128"


class Parameter(Spec):
    """One parameter: values to choose from, or a range from `low` to `high`, both included.

    `grid`: the values are walked one after the other, in every combination with those of other
    grids; else one is drawn. A range is one of whole numbers if `low` and `high` are; `log` draws
    evenly by the logarithm; with a `step` only low, low + step, ... are drawn.
    """

    values: Annotated[tuple[Value, ...], Field(min_length=1, max_length=MOST_VALUES)] | None = None
    grid: bool = False
    low: Number | None = None
    high: Number | None = None
    log: bool = False
    step: Number | None = None

    @property
    def whole(self) -> bool:
        """Whether it is a range of whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that show every mistake: all of a list, the first and last of a range."""
        return (self.low, self.high) if self.values is None else self.values

    def draw(self, rng: random.Random) -> Any:
        """One of the values, each as likely as any other."""
        if self.values is not None:
            return self.values[rng.randrange(len(self.values))]
        low, high = self._bounds
        if self.step is not None:
            return self.tidy(low + self.step * rng.randint(0, self._steps))
        if not self.log:
            return (
                rng.randint(int(low), int(high))
                if self.whole
                else self.tidy(rng.uniform(low, high))
            )
        above = high + 1 if self.whole else high
        drawn = math.exp(rng.uniform(math.log(low), math.log(above)))
        return self.tidy(math.floor(drawn) if self.whole else drawn)

    def allows(self, value: Any) -> bool:
        """Whether the value is one that this parameter may take."""
        if self.values is not None:
            value = tuple(value) if isinstance(value, list) else value
            return any(type(value) is type(one) and value == one for one in self.values)
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        low, high = self._bounds
        return low <= value <= high

    @property
    def _bounds(self) -> tuple[Number, Number]:
        return self.low or 0, self.high or 0

    @property
    def _steps(self) -> int:
        low, high = self._bounds
        return math.floor((high - low) / (self.step or 1) + 1e-9)

    def tidy(self, value: Number) -> Number:
        """A drawn number without digits that nobody needs, and within the range."""
        low, high = self._bounds
        if self.whole:
            return int(min(max(value, low), high))
        return float(min(max(float(f"{value:.{DIGITS}g}"), low), high))

    @classmethod
    def read(cls, where: str, given: object) -> Self | list[Mistake]:
        """The parameter that a sweep's file or a flag describes, or what is wrong with it.

        A list is a grid; text is a range such as "1e-4..1e-1:log"; a table has the fields above.
        """
        if isinstance(given, cls):
            return given
        if isinstance(given, str):
            found = _range(given)
            if found is None:
                return [Mistake(where, given, _A_RANGE)]
            given = found
        elif isinstance(given, list | tuple):
            given = {"values": given, "grid": True}
        if not isinstance(given, Mapping):
            return [Mistake(where, given, _A_RANGE)]
        try:
            parameter = cls.model_validate(dict(given))
        except ValidationError as error:
            # A value of a list may be of several types: one mistake for each is enough.
            found_wrong = {m.where: m for m in from_validation(error, cls)}
            named = {
                _short(w): Mistake(f"{where}.{_short(w)}", m.given, m.expected)
                for w, m in found_wrong.items()
            }
            return list(named.values())
        return parameter._mistakes(where) or parameter

    def _mistakes(self, where: str) -> list[Mistake]:
        if self.values is not None:
            return self._mistakes_in_values(where)
        if self.grid:
            return [Mistake(f"{where}.values", None, "the values of the grid")]
        wrong = [
            Mistake(f"{where}.{name}", getattr(self, name), "a number, both ends of the range")
            for name in ("low", "high")
            if getattr(self, name) is None
        ]
        if wrong:
            return wrong
        low, high = self._bounds
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            return [Mistake(where, f"{low}..{high}", "a range from a number to a greater one")]
        return self._mistakes_in_range(where, low, high)

    def _mistakes_in_range(self, where: str, low: Number, high: Number) -> list[Mistake]:
        wrong = []
        if self.log and low <= 0:
            wrong.append(Mistake(f"{where}.low", low, "a number above 0, since the range is log"))
        if self.step is None:
            return wrong
        if self.log:
            expected = "none, since the range is log"
        elif not 0 < self.step <= high - low:
            expected = f"a number above 0, at most {high - low:g}"
        elif self.whole and not isinstance(self.step, int):
            expected = "a whole number, as the range's ends are"
        else:
            return wrong
        return [*wrong, Mistake(f"{where}.step", self.step, expected)]

    def _mistakes_in_values(self, where: str) -> list[Mistake]:
        wrong = [
            Mistake(f"{where}.{name}", getattr(self, name), "none, since there are values")
            for name in ("low", "high", "step")
            if getattr(self, name) is not None
        ]
        texts = [json.dumps(value) for value in self.values or ()]
        twice = sorted({text for text in texts if texts.count(text) > 1})
        return wrong + [Mistake(where, text, "each value once") for text in twice]


def grid_point(grids: Sequence[Parameter], number: int) -> list[Any]:
    """The values of the grid's point of this number, from 0; the last grid changes fastest."""
    found: list[Any] = []
    for grid in reversed(grids):
        values = grid.values or ()
        number, at = divmod(number, len(values))
        found.append(values[at])
    return found[::-1]


def _range(text: str) -> dict[str, Any] | None:
    """The fields of a range that is written as LOW..HIGH, LOW..HIGH:log or LOW..HIGH:STEP."""
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        return None
    low, high, how = _number(match["low"]), _number(match["high"]), match["how"]
    if low is None or high is None:
        return None
    fields = {"low": low, "high": high}
    if how == "log":
        return {**fields, "log": True}
    if how is None:
        return fields
    step = _number(how)
    return None if step is None else {**fields, "step": step}


def _number(text: str) -> Number | None:
    try:
        return int(text) if re.fullmatch(r"\s*[+-]?\d{1,18}\s*", text) else float(text)
    except ValueError:
        return None


def _short(where: str) -> str:
    """The name of a field without the types of a union, which pydantic puts behind it."""
    return where.partition(".")[0]
