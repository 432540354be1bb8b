"""Orders to the job, obeyed while something runs that asks for none: it is interrupted."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any

from fitq_worker.reporter import StopJob

if TYPE_CHECKING:
    from fitq_worker.reporter import Reporter

LOOK_SECONDS = 1.0


class Interrupting:
    """Interrupts the block, once a second looked at, when the job is to stop.

    It needs the main thread, where jobs run; elsewhere nothing is interrupted. What sits in a
    call outside Python is interrupted when that returns; for one that never does, see
    stuck_jobs.py, which ends the process. What the block has open is closed on the way out, as
    after Ctrl-C. Whatever error the block makes of it, what leaves is the order itself: Keras
    for one says in other words what a layer has raised.

    Raises:
        StopJob: the job is to stop.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._on = threading.current_thread() is threading.main_thread()
        self._before: Any = None
        self._stop: StopJob | None = None

    def __enter__(self) -> None:
        """Set the clock."""
        if not self._on:
            return
        self._before = signal.signal(signal.SIGALRM, self._ring)
        # Again and again: code may catch whatever interrupts it.
        signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, LOOK_SECONDS)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop the clock."""
        if not self._on:
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
        if kind is not None and self._stop is not None:
            raise self._stop from None
        self.left_by(kind)

    def look(self) -> None:
        """Interrupt the block by what this raises."""
        self._reporter.obey()

    def left_by(self, kind: type[BaseException] | None) -> None:
        """Say in other words what has ended the block, if anything, once the clock has stopped."""

    def _ring(self, _signal: int, frame: FrameType | None) -> None:
        if _sets_the_clock(frame):
            return
        try:
            self.look()
        except StopJob as stop:
            self._stop = stop
            raise


def _sets_the_clock(frame: FrameType | None) -> bool:
    """Whether the block is not yet begun or already left.

    What is raised before the clock is stopped would leave it running for ever.
    """
    while frame is not None:
        if frame.f_code in _EDGES:
            return True
        frame = frame.f_back
    return False


_EDGES = (Interrupting.__enter__.__code__, Interrupting.__exit__.__code__)
