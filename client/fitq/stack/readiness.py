"""Waiting until a part of the stack serves, or is known not to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import redis

from fitq.stack.folder import StackFolder
from fitq.stack.log_tail import last_lines, size_of
from fitq.stack.program import Program
from fitq.stack.supervision import ProgramState, Supervisor
from fitq_shared.errors import StackError
from fitq_shared.redis_link import Redis
from fitq_shared.workers import list_workers

READY_SECONDS = 120.0
PAUSE_SECONDS = 0.1
_UNANSWERED = (redis.ConnectionError, redis.TimeoutError)


class Readiness:
    """Starts programs and waits until each serves, by its own word and not by its process alone.

    A program that ends while we wait has failed: supervisor would try again, but the user wants
    to know now, with the program's last words.
    """

    def __init__(self, folder: StackFolder, supervisor: Supervisor) -> None:
        self._folder = folder
        self._supervisor = supervisor
        self._pids: dict[str, int] = {}
        self._log_starts: dict[str, int] = {}

    @property
    def pids(self) -> dict[str, int]:
        """The processes of the programs started here."""
        return dict(self._pids)

    def start(self, programs: Iterable[Program | ProgramState]) -> None:
        """Start the programs, without waiting."""
        programs = list(programs)
        for program in programs:
            self._log_starts[program.name] = size_of(self._folder.log(program.name))
            self._supervisor.start(program)
        states = self._supervisor.states()
        for program in programs:
            if not states[program.name].pid:
                raise self._failure(states[program.name])
            self._pids[program.name] = states[program.name].pid

    def wait(self, what: str, serves: Callable[[], bool]) -> None:
        """Wait until it serves.

        Raises:
            StackError: a program that was started here has ended, or it takes too long.
        """
        limit = time.monotonic() + READY_SECONDS
        while not serves():
            self._check()
            if time.monotonic() > limit:
                raise StackError(
                    f"{what}: not ready after {READY_SECONDS:.0f} seconds",
                    f"see the logs in {self._folder.logs}",
                )
            time.sleep(PAUSE_SECONDS)
        self._check()

    def _check(self) -> None:
        states = self._supervisor.states()
        for name, pid in self._pids.items():
            # Another pid: it has ended and was restarted between two looks.
            if states[name].has_ended or states[name].pid not in (pid, 0):
                raise self._failure(states[name])

    def _failure(self, state: ProgramState) -> StackError:
        log = self._folder.log(state.name)
        lines = last_lines(log, self._log_starts[state.name])
        reason = "has ended" if lines else (state.error or "has ended without a word")
        return StackError(
            "\n".join([f"{state.name} does not start: it {reason}" + ":" * bool(lines), *lines]),
            f"see {log}",
        )


def redis_answers(link: Redis) -> bool:
    """Whether Redis takes commands; False while it still loads its data."""
    try:
        return bool(link.ping())
    except _UNANSWERED:
        return False


def workers_are_ready(link: Redis, pids: Iterable[int]) -> bool:
    """Whether the workers in these processes have announced that they take jobs.

    False while Redis does not answer: whether it has ended is seen from its process.
    """
    try:
        ready = {worker.pid for worker in list_workers(link) if worker.state == "ready"}
    except _UNANSWERED:
        return False
    return ready.issuperset(pids)
