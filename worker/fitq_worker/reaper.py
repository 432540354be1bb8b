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

from fitq_shared.dispatch import send_to_front
from fitq_shared.record import Attempt, JobRecord, Reason
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis
from fitq_shared.store import Store
from fitq_shared.workers import drain_order
from fitq_worker.giving_back import Counts, give_back
from fitq_worker.stuck_jobs import StuckJobs

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.settings import Settings
    from fitq_worker.identity import Identity
    from fitq_worker.leaving import Leaving

log = logging.getLogger(__name__)

PERIOD_SECONDS = 1.0
# How long a worker may need between taking a message and claiming its job: a child that is
# being replaced imports Keras first. Too short only makes duplicates, which are dropped.
MESSAGE_GRACE_SECONDS = 8.0


class Reaper:
    """A thread that looks at all running and queued jobs once a second."""

    def __init__(
        self, app: Celery, settings: Settings, identity: Identity, leaving: Leaving
    ) -> None:
        self._app = app
        self._identity = identity
        self._leaving = leaving
        self._records = Records(open_redis(settings), settings.loss_limit)
        self._store = Store(settings.store_url or "")
        self._stuck = StuckJobs(self._records, self._store)
        self._lease_seconds = settings.lease_seconds
        self._handed_back: collections.deque[tuple[Attempt, Reason, Counts]] = collections.deque()
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fitq-reaper", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, after one last look."""
        self._leave.set()
        self._thread.join()

    def hand_back(self, attempt: Attempt, reason: Reason, counts: Counts) -> None:
        """Queue again a job of this worker whose child has died; tried until Redis takes it."""
        self._handed_back.append((attempt, reason, counts))

    def _run(self) -> None:
        left = False
        failed_at = -math.inf
        while not left:
            left = self._leave.wait(PERIOD_SECONDS)
            try:
                self._give_back_our_own()
                # While Redis was away leases ran out: let those who live renew theirs first.
                if time.monotonic() - failed_at > self._lease_seconds:
                    self._look_at_running_jobs()
                self._send_what_is_due()
                self._send_lost_messages()
                if order := drain_order(self._records.redis, self._identity.token):
                    self._leaving.order(order)
            except (redis.RedisError, OperationalError) as error:
                failed_at = time.monotonic()
                log.warning("the reaper cannot reach Redis, trying again: %s", error)
            except Exception:
                log.exception("the reaper goes on after an error that it did not expect")

    def _give_back_our_own(self) -> None:
        while self._handed_back:
            attempt, reason, counts = self._handed_back[0]
            self._give_back(attempt, reason, counts)
            self._handed_back.popleft()

    def _look_at_running_jobs(self) -> None:
        for record in self._records.running():
            if record.token == self._identity.token:
                self._stuck.look_at(record)
            elif record.token is not None and record.lease is not None:
                self._give_back_orphan(record, record.token, record.lease)

    def _give_back_orphan(self, record: JobRecord, token: str, lease: str) -> None:
        if self._records.redis.get(lease) == token:
            return
        reason = Reason(
            "worker-lost",
            f"the worker {record.worker} stopped answering",
            "see that worker's log and its host",
        )
        self._give_back(
            Attempt(record.id, record.attempt, token), reason, "lost", unless_leased=lease
        )

    def _give_back(
        self, attempt: Attempt, reason: Reason, counts: Counts, unless_leased: str | None = None
    ) -> None:
        given_back = give_back(
            self._app, self._records, self._store, attempt, reason, counts, unless_leased
        )
        if given_back:
            log.warning("job %s, attempt %s: %s", attempt.job_id, attempt.number, reason.message)

    def _send_what_is_due(self) -> None:
        # What is sent last comes first: the one that has waited longest.
        for record in reversed(list(self._records.due())):
            if self._records.may_resend(record):
                send_to_front(self._app, self._records, record)

    def _send_lost_messages(self) -> None:
        for queue in self._records.queues():
            lost = list(self._records.without_message(queue, MESSAGE_GRACE_SECONDS))
            for record in reversed(lost):
                if self._records.may_resend(record):
                    log.warning("job %s: its message was lost; sending it again", record.id)
                    send_to_front(self._app, self._records, record)
