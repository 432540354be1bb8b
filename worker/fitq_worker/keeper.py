"""Keeps the worker's lease on its devices, and its announcement, while the parent lives."""

from __future__ import annotations

import logging
import os
import signal
import time
from typing import TYPE_CHECKING

import redis

from fitq_shared.errors import FitqError, QueueUnreachable
from fitq_shared.redis_link import open_redis
from fitq_shared.workers import announce, withdraw
from fitq_worker import flags
from fitq_worker.fork_guard import fork_guard
from fitq_worker.parent_thread import ParentThread

if TYPE_CHECKING:
    from fitq_shared.settings import Settings
    from fitq_worker.identity import Identity

log = logging.getLogger(__name__)

# For so many terms of its lease a worker that cannot reach Redis goes on: while Redis is away for
# all, nobody else can claim its devices. Then it may be that only this worker is cut off.
CUT_OFF_TERMS = 20
# What a Redis says that is there: one that is full, or still loads, lets nobody claim either.
_CONTACT = (redis.ResponseError, redis.BusyLoadingError)


class Keeper(ParentThread):
    """A thread that renews the lease three times within its life, and soon again if that failed.

    So one line to Redis that dies without a word costs no lease. It outlives the broker's
    reconnects and the warm shutdown, during which Celery's own timers have already stopped. If
    a device has become another's, or Redis has been out of reach for very long, the worker
    drains.

    Attributes:
        exit_code: with what the worker ends: not 0 if it has to leave for such a reason, so that
            whatever started it starts another.
    """

    def __init__(self, settings: Settings, identity: Identity) -> None:
        super().__init__("fitq-keeper")
        self._identity = identity
        self._seconds = settings.lease_seconds
        self._redis = open_redis(settings, answer_seconds=self._seconds / 3)
        self._lease = identity.lease(self._redis, self._seconds)
        self.exit_code = 0

    def stop(self) -> None:
        """Let go of the device and of the name, so that the next worker need not wait."""
        super().stop()
        try:
            self._lease.release()
            withdraw(self._redis, self._identity.token)
        except redis.RedisError as error:
            log.warning("Redis is away; the lease ends by itself: %s", error)

    def _run(self) -> None:
        since: float | None = None
        away_since: float | None = None
        while True:
            pause = min(1.0, self._seconds / 10)
            try:
                with fork_guard:
                    since = since or float(self._redis.time()[0])
                    held = self._lease.renew() == "held"
                if not held:
                    log.error("another worker holds %s: leaving", self._identity.device_name)
                    self._end_worker(FitqError.exit_code)
                    return
                away_since = None
                with fork_guard:
                    announce(self._redis, self._identity.info(_state(), since), self._seconds)
                pause = self._seconds / 3 if flags.warm() else min(self._seconds / 3, 0.5)
            except redis.RedisError as error:
                log.warning("cannot renew the lease, trying again: %s", error)
                now = time.monotonic()
                away_since = now if isinstance(error, _CONTACT) else away_since or now
                if now - away_since > CUT_OFF_TERMS * self._seconds:
                    log.warning("no contact to Redis for %s leases: leaving", CUT_OFF_TERMS)
                    flags.set_cut_off()
                    self._end_worker(QueueUnreachable.exit_code)
                    return
            except Exception:
                log.exception("cannot renew the lease, trying again")
            if self._leave.wait(pause):
                return

    def _end_worker(self, exit_code: int) -> None:
        self.exit_code = exit_code
        os.kill(os.getpid(), signal.SIGTERM)


def _state() -> str:
    if flags.draining():
        return "draining"
    return "ready" if flags.warm() else "starting"
