"""Brings back jobs whose worker is gone, and messages that were lost.

Every worker's parent runs one. They need not agree on anything: each change is a
compare-and-set on the job's record.
"""

from __future__ import annotations

import collections
import logging
import time
from typing import TYPE_CHECKING

from kombu.exceptions import OperationalError

from fitq_shared.attempts import Attempts
from fitq_shared.changes import Changes
from fitq_shared.dispatch import send_to_front, settle_all
from fitq_shared.lanes import Lanes
from fitq_shared.lost_messages import without_message
from fitq_shared.outage import ITS_STATE, PASSING
from fitq_shared.record import Attempt, JobRecord, Reason
from fitq_shared.records import Records
from fitq_shared.redis_link import ask_for_writes, open_redis
from fitq_shared.workers import drain_order
from fitq_worker import flags
from fitq_worker.contact import Contact
from fitq_worker.fork_guard import fork_guard
from fitq_worker.giving_back import Counts, give_back
from fitq_worker.parent_thread import ParentThread
from fitq_worker.seldom import Seldom
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
_AWAY = (*PASSING, OperationalError)


class Reaper(ParentThread):
    """A thread that looks at all running and queued jobs once a second, or a lease's tenth.

    It has one last look when it is told to stop.
    """

    def __init__(
        self, app: Celery, settings: Settings, identity: Identity, leaving: Leaving
    ) -> None:
        super().__init__("fitq-reaper")
        self._app = app
        self._identity = identity
        self._leaving = leaving
        self._contact = Contact(settings.lease_seconds)
        redis = open_redis(settings, answer_seconds=settings.lease_seconds / 3)
        self._records = Records(redis)
        self._attempts = Attempts(self._records, settings.loss_limit)
        self._changes = Changes(self._records)
        self._stuck = StuckJobs(self._attempts)
        self._period = min(PERIOD_SECONDS, settings.lease_seconds / 10)
        self._seldom = Seldom()
        self._adrift: set[Attempt] = set()
        self._handed_back: collections.deque[tuple[Attempt, Reason, Counts]] = collections.deque()

    def hand_back(self, attempt: Attempt, reason: Reason, counts: Counts) -> None:
        """Queue again a job of this worker whose child has died; tried until Redis takes it."""
        self._handed_back.append((attempt, reason, counts))

    def _run(self) -> None:
        left = False
        while not left:
            left = self._leave.wait(self._period)
            self._look()

    def _look(self) -> None:
        """Do each duty, whatever has become of those before it; the rest can wait for Redis."""
        for duty in (
            self._obey_a_drain_order,
            self._ask_for_room,
            self._give_back_our_own,
            self._look_at_running_jobs,
            self._settle_chains,
            self._send_what_is_due,
            self._send_lost_messages,
        ):
            try:
                with fork_guard:
                    duty()
                self._contact.answered()
            except _AWAY as error:
                if isinstance(error, ITS_STATE):
                    self._contact.refused()
                self._say(error)
                return
            except Exception:
                log.exception("the reaper goes on after an error that it did not expect")

    def _say(self, error: Exception) -> None:
        if self._seldom.due(time.monotonic()):
            log.warning("the reaper cannot reach Redis, trying again: %s", error)

    def _ask_for_room(self) -> None:
        """Make sure that whoever lives can renew its lease before its job is looked at."""
        ask_for_writes(self._records.redis)

    def _obey_a_drain_order(self) -> None:
        if order := drain_order(self._records.redis, self._identity.token):
            self._leaving.order(order)

    def _give_back_our_own(self) -> None:
        while self._handed_back:
            attempt, reason, counts = self._handed_back[0]
            self._give_back(attempt, reason, counts)
            self._handed_back.popleft()

    def _look_at_running_jobs(self) -> None:
        adrift = set()
        for record in self._records.running():
            if record.token is None or record.lease is None:
                continue
            attempt = Attempt(record.id, record.attempt, record.token)
            if record.token != self._identity.token:
                self._give_back_orphan(record, attempt, record.lease)
            elif flags.has_in_hand(record.id, record.attempt):
                self._stuck.look_at(record)
            elif attempt in self._adrift:
                self._give_back_adrift(attempt)
            else:
                adrift.add(attempt)
        self._adrift = adrift

    def _give_back_adrift(self, attempt: Attempt) -> None:
        """Queue again what is not in hand, though Redis has it running here, on two looks.

        After a failover Redis may have forgotten how it ended.
        """
        reason = Reason(
            "outcome-lost",
            f"the worker {self._identity.name} runs this attempt no more, "
            "and its record does not say how it ended",
            "see that worker's log",
        )
        self._give_back(attempt, reason, "fault")

    def _give_back_orphan(self, record: JobRecord, attempt: Attempt, lease: str) -> None:
        # While Redis was away leases ran out: those who live renew theirs first.
        if self._records.redis.get(lease) == attempt.token or not self._contact.settled:
            return
        reason = Reason(
            "worker-lost",
            f"the worker {record.worker} stopped answering",
            "see that worker's log and its host",
        )
        self._give_back(attempt, reason, "lost", unless_leased=lease)

    def _give_back(
        self, attempt: Attempt, reason: Reason, counts: Counts, unless_leased: str | None = None
    ) -> None:
        if give_back(self._app, self._attempts, attempt, reason, counts, unless_leased):
            log.warning("job %s, attempt %s: %s", attempt.job_id, attempt.number, reason.message)

    def _settle_chains(self) -> None:
        settle_all(self._app, self._changes)

    def _send_what_is_due(self) -> None:
        # What is sent last comes first: the one that has waited longest.
        for record in reversed(list(self._records.due())):
            self._send(record)

    def _send_lost_messages(self) -> None:
        for queue in Lanes(self._records.redis).queues():
            lost = list(without_message(self._records, queue, MESSAGE_GRACE_SECONDS))
            for record in reversed(lost):
                if self._send(record):
                    log.warning("job %s: its message was lost; it is sent again", record.id)

    def _send(self, record: JobRecord) -> bool:
        """Send a queued job's message to the front, if no other reaper does."""
        chosen = self._changes.may_resend(record)
        if chosen:
            send_to_front(self._app, self._records, record)
        self._contact.answered()
        return chosen
