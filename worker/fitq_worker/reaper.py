"""Brings back jobs whose worker is gone, and messages that were lost.

Every worker's parent runs one. They need not agree on anything: each change is a
compare-and-set on the job's record.
"""

from __future__ import annotations

import collections
import logging
import math
import threading
import time
from typing import TYPE_CHECKING

import redis
from kombu.exceptions import OperationalError

from fitq_shared.dispatch import send
from fitq_shared.queues import QUEUES
from fitq_shared.record import Attempt, Reason
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.settings import Settings

log = logging.getLogger(__name__)

PERIOD_SECONDS = 1.0
# How long a worker may need between taking a message and claiming its job: a child that is
# being replaced imports Keras first. Too short only makes duplicates, which are dropped.
MESSAGE_GRACE_SECONDS = 8.0


class Reaper:
    """A thread that looks at all running and queued jobs once a second."""

    def __init__(self, app: Celery, settings: Settings) -> None:
        self._app = app
        self._records = Records(open_redis(settings))
        self._lease_seconds = settings.lease_seconds
        self._handed_back: collections.deque[tuple[Attempt, Reason]] = collections.deque()
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fitq-reaper", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, after one last look."""
        self._leave.set()
        self._thread.join()

    def hand_back(self, attempt: Attempt, reason: Reason) -> None:
        """Queue again a job of this worker whose child has died; tried until Redis takes it."""
        self._handed_back.append((attempt, reason))

    def _run(self) -> None:
        left = False
        failed_at = -math.inf
        while not left:
            left = self._leave.wait(PERIOD_SECONDS)
            try:
                self._give_back_our_own()
                # While Redis was away leases ran out: let those who live renew theirs first.
                if time.monotonic() - failed_at > self._lease_seconds:
                    self._give_back_orphans()
                self._send_lost_messages()
            except (redis.RedisError, OperationalError) as error:
                failed_at = time.monotonic()
                log.warning("the reaper cannot reach Redis, trying again: %s", error)
            except Exception:
                log.exception("the reaper goes on after an error that it did not expect")

    def _give_back_our_own(self) -> None:
        while self._handed_back:
            attempt, reason = self._handed_back[0]
            self._give_back(attempt, reason)
            self._handed_back.popleft()

    def _give_back_orphans(self) -> None:
        for record in self._records.running():
            if record.token is None or record.lease is None:
                continue
            if self._records.redis.get(record.lease) == record.token:
                continue
            attempt = Attempt(record.id, record.attempt, record.token)
            reason = Reason(
                "worker-lost",
                f"the worker {record.worker} stopped answering",
                "see that worker's log and its host",
            )
            self._give_back(attempt, reason, unless_leased=record.lease)

    def _give_back(
        self, attempt: Attempt, reason: Reason, unless_leased: str | None = None
    ) -> None:
        state = self._records.give_back(attempt, reason, lost=True, unless_leased=unless_leased)
        if state in ("stale", "alive"):
            return
        log.warning("job %s, attempt %s: %s", attempt.job_id, attempt.number, reason.message)
        if state == "queued":
            send(self._app, self._records.get(attempt.job_id))

    def _send_lost_messages(self) -> None:
        for queue in QUEUES:
            for record in self._records.without_message(queue, MESSAGE_GRACE_SECONDS):
                if self._records.may_resend(record):
                    log.warning("job %s: its message was lost; sending it again", record.id)
                    send(self._app, record)
