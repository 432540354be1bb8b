"""In which order a worker looks into its queues.

Redis gives the worker a job of the first of its queues that is not empty. So before each job
the queues are put in order anew: whose turn it is comes first. kombu asks for the order
(`consume`), and tells what was taken (`rotate`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from fitq_shared.queues import PRIORITIES, Priority, QueueName, is_job_queue

# How kombu is told to use `cycle_of_this_process`. By name, since the settings of the transport are
# part of what Celery answers when it is asked for its state, as JSON.
STRATEGY = "fitq_worker.queue_cycle:cycle_of_this_process"

# Of twelve jobs one is looked for among the low ones first, three among the normal ones, and
# eight among the high ones. Where there are none, the turn goes to the highest that there are.
TURNS: tuple[Priority, ...] = (
    *("high", "high", "normal", "high", "high", "high"),
    *("normal", "high", "low", "high", "normal", "high"),
)


_parsed = cache(QueueName.parse)
_is_job_queue = cache(is_job_queue)


class Turns:
    """Whose turn it is: what a worker knows of the jobs that it has taken.

    It outlives the connection to Redis, for each of which kombu makes a `QueueCycle`: else a
    worker whose connection often breaks would take only what has the highest priority.
    """

    def __init__(self) -> None:
        self._taken = 0
        self._last: dict[str, int] = {}

    def took(self, queue: str) -> None:
        """A job of this queue was taken."""
        self._taken += 1
        self._last[queue] = self._taken

    def order(self, queues: Iterable[str]) -> list[str]:
        """These queues, in the order in which the next job is to be looked for.

        Of one priority, whichever queue was served the longest ago comes first: so it is each
        owner's turn, whatever device the jobs need. Of those that were never served, the device's
        own come before those that any device could serve.
        """
        turn = TURNS[self._taken % len(TURNS)]

        def key(queue: str) -> tuple[int, int, bool, int, str]:
            name = _parsed(queue)
            rank = -1 if name.priority == turn else PRIORITIES.index(name.priority)
            return rank, self._last.get(queue, 0), name.device_need == "any", name.lane, name.need

        return sorted(queues, key=key)


class QueueCycle:
    """The queues of one channel, for kombu's `queue_order_strategy`."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._queues: list[str] = []

    def update(self, queues: Iterable[str]) -> None:
        """These are the queues from now on."""
        self._queues = list(queues)

    def consume(self, n: int) -> list[str]:
        """The first n of the queues, in the order of their turns; those not of jobs first."""
        jobs = [queue for queue in self._queues if _is_job_queue(queue)]
        others = [queue for queue in self._queues if not _is_job_queue(queue)]
        return [*others, *self._turns.order(jobs)][:n]

    def rotate(self, last_used: str) -> str:
        """A message of this queue was taken."""
        if _is_job_queue(last_used):
            self._turns.took(last_used)
        return last_used


_turns = Turns()


def cycle_of_this_process() -> QueueCycle:
    """A cycle that goes on with the turns where the one before left off."""
    return QueueCycle(_turns)
