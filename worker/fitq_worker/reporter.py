"""The running job's line to the queue: it tells progress, and hears what to do."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import redis

from fitq_shared.events import publish
from fitq_worker import flags
from fitq_worker.seldom import Seldom

if TYPE_CHECKING:
    from fitq_shared.attempts import Attempts
    from fitq_shared.record import Attempt

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 0.5
ORDER_SECONDS = 0.5
# A Redis that is silent keeps each question waiting for seconds, and the training with it.
SILENCE_SECONDS = 3.0


class StopJob(Exception):
    """The job is to stop now, through no fault of its own. `order` says why."""

    def __init__(self, order: str) -> None:
        super().__init__(order)
        self.order = order


class Reporter:
    """Reports events of one attempt and asks for orders, both at most twice a second.

    Training goes on while Redis is away: reports are not sent then, and without an order the
    job goes on. The log says so once a minute.

    Args:
        timeout: for how long the job may run, all its attempts together, in seconds.
        ran: for how long earlier attempts have run.
    """

    def __init__(
        self, attempts: Attempts, attempt: Attempt, timeout: float | None = None, ran: float = 0.0
    ) -> None:
        self._attempts = attempts
        self._attempt = attempt
        self._end = math.inf if timeout is None else time.monotonic() + timeout - ran
        self._progress_at = 0.0
        self._order_at = 0.0
        self._again_at = 0.0
        self._seldom = Seldom()

    def epoch(self, row: Mapping[str, float]) -> None:
        """Report an epoch's results."""
        self._publish("epoch", row)

    def progress(self, row: Mapping[str, float | str]) -> None:
        """Report how far the work is, unless that was just done."""
        now = time.monotonic()
        if now - self._progress_at >= PROGRESS_SECONDS:
            self._progress_at = now
            self._publish("progress", row)

    def obey(self) -> None:
        """Stop the job if that is asked for.

        Raises:
            StopJob: its order is "drain", "cancel", "timeout" or "outdated".
        """
        if flags.draining():
            raise StopJob("drain")
        now = time.monotonic()
        if now - self._order_at < ORDER_SECONDS or now < self._again_at:
            return
        self._order_at = now
        try:
            order = self._attempts.order(self._attempt)
        except redis.RedisError as error:
            self._unanswered(error)
            return
        if order != "go-on":
            raise StopJob(order)
        if now > self._end:
            raise StopJob("timeout")

    def _publish(self, event: str, row: Mapping[str, float | str]) -> None:
        if time.monotonic() < self._again_at:
            return
        attempt = self._attempt
        try:
            publish(self._attempts.records.redis, attempt.job_id, event, attempt.number, row)
        except redis.RedisError as error:
            self._unanswered(error)

    def _unanswered(self, error: redis.RedisError) -> None:
        now = time.monotonic()
        if isinstance(error, redis.ConnectionError | redis.TimeoutError):
            self._again_at = now + SILENCE_SECONDS
        if self._seldom.due(now):
            log.warning("cannot report or ask for orders, going on: %s", error)
