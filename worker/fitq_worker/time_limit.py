"""A limit for code that nobody can ask to stop: it is interrupted from within."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from types import FrameType
from typing import TYPE_CHECKING, Any

from fitq_shared.errors import BadJob, InvalidInput, Mistake

if TYPE_CHECKING:
    from fitq_worker.reporter import Reporter

SECONDS = "FITQ_BUILD_SECONDS"
DEFAULT_SECONDS = 300.0
LOOK_SECONDS = 1.0


class OverTime(BaseException):
    """Code took too long. No `Exception`, so that code which catches those does not keep it."""


class TimeLimit:
    """Interrupts the block when its time is over, and obeys the orders to the job meanwhile.

    It needs the main thread, where jobs run; elsewhere nothing is limited. Code that sits in a
    call outside Python is interrupted when that returns; for one that never does, see
    stuck_jobs.py, which ends the process once the job's own timeout is over.

    Args:
        name: what runs, for the message.

    Raises:
        BadJob: it took longer than FITQ_BUILD_SECONDS; names the limit.
        InvalidInput: that is no number of seconds.
        StopJob: the job is to stop.
    """

    def __init__(self, name: str, reporter: Reporter) -> None:
        self._name = name
        self._reporter = reporter
        self._seconds = _limit(os.environ.get(SECONDS))
        self._on = threading.current_thread() is threading.main_thread()
        self._end = 0.0
        self._before: Any = None

    def __enter__(self) -> None:
        """Set the clock."""
        if not self._on:
            return
        self._end = time.monotonic() + self._seconds
        self._before = signal.signal(signal.SIGALRM, self._look)
        # Again and again: code may catch whatever interrupts it.
        signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, LOOK_SECONDS)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop the clock."""
        if not self._on:
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
        if kind is OverTime:
            raise BadJob(
                f"{self._name} was not done after {self._seconds:g} s, the longest that this "
                f"worker lets it take ({SECONDS})",
                "look for a loop without an end, or let it do less before the training starts",
            ) from None

    def _look(self, _signal: int, _frame: FrameType | None) -> None:
        if time.monotonic() > self._end:
            raise OverTime
        self._reporter.obey()


def _limit(text: str | None) -> float:
    if not text:
        return DEFAULT_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise InvalidInput([Mistake(SECONDS, text, "a number of seconds above 0")])
    return seconds
