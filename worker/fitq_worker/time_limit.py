"""A limit for code that nobody can ask to stop: it is interrupted from within."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING

from fitq_shared.errors import BadJob, InvalidInput, Mistake
from fitq_worker.interrupting import Interrupting

if TYPE_CHECKING:
    from fitq_worker.reporter import Reporter

SECONDS = "FITQ_BUILD_SECONDS"
DEFAULT_SECONDS = 300.0


class OverTime(BaseException):
    """Code took too long. No `Exception`, so that code which catches those does not keep it."""


class TimeLimit(Interrupting):
    """Interrupts the block when its time is over too.

    Args:
        name: what runs, for the message.

    Raises:
        BadJob: it took longer than FITQ_BUILD_SECONDS; names the limit.
        InvalidInput: that is no number of seconds.
        StopJob: the job is to stop.
    """

    def __init__(self, name: str, reporter: Reporter) -> None:
        super().__init__(reporter)
        self._name = name
        self._seconds = seconds_of(SECONDS, DEFAULT_SECONDS)
        self._end = time.monotonic() + self._seconds

    def left_by(self, kind: type[BaseException] | None) -> None:
        """Say in words that the time was over."""
        if kind is OverTime:
            raise BadJob(
                f"{self._name} was not done after {self._seconds:g} s, the longest that this "
                f"worker lets it take ({SECONDS})",
                "look for a loop without an end, or let it do less before the training starts",
            ) from None

    def look(self) -> None:
        """Interrupt the block by what this raises."""
        if time.monotonic() > self._end:
            raise OverTime
        super().look()


def seconds_of(variable: str, default: float) -> float:
    """The seconds that a variable of the environment names.

    Raises:
        InvalidInput: it is no number of seconds.
    """
    text = os.environ.get(variable)
    if not text:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise InvalidInput([Mistake(variable, text, "a number of seconds above 0")])
    return seconds
