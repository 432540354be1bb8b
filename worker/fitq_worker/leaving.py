"""How a worker leaves: on a signal, or because `fitq drain` asks it to."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from typing import TYPE_CHECKING

from fitq_worker import flags

if TYPE_CHECKING:
    from fitq_shared.workers import DrainMode

log = logging.getLogger(__name__)


class Leaving:
    """Turns each request to leave into what the child is to do with the job in hand.

    The first SIGTERM lets it stop at its next batch and give the job back; another one ends
    the child at once, and the parent gives the job back. `fitq drain --after-job` lets the job
    end first, unless a signal follows.
    """

    def __init__(self) -> None:
        self._ordered: DrainMode | None = None
        self._after_job = False
        self.at_once = False

    def order(self, mode: DrainMode) -> None:
        """Obey `fitq drain`, once for each new order. Celery's warm shutdown does the rest."""
        if mode == self._ordered:
            return
        if flags.draining():  # after a signal: another one would end the child at once
            self._ordered = mode
            return
        log.warning("told to leave: %s", mode)
        self._after_job = mode == "after-job"
        self._ordered = mode
        os.kill(os.getpid(), signal.SIGTERM)

    def signalled(self) -> None:
        """SIGTERM has come. Runs in the signal's handler."""
        if self._after_job:
            self._after_job = False
        elif not flags.draining():
            flags.start_draining()
        else:
            self.at_once = True
            end_child()


def end_child() -> None:
    """Kill the process that runs the jobs; Celery starts another unless the worker leaves."""
    pid = flags.child_pid()
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
