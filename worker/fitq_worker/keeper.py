"""Keeps the worker's lease, and its announcement, for as long as the parent lives."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import TYPE_CHECKING

import redis

from fitq_shared.lease import Lease
from fitq_shared.redis_link import open_redis
from fitq_shared.workers import announce, withdraw
from fitq_worker import flags

if TYPE_CHECKING:
    from fitq_shared.settings import Settings
    from fitq_worker.identity import Identity

log = logging.getLogger(__name__)


class Keeper:
    """A thread that renews the lease three times within its life, and soon again if that failed.

    So one line to Redis that dies without a word costs no lease. It outlives the broker's
    reconnects and the warm shutdown, during which Celery's own timers have already stopped. If
    the lease has become another's, the worker drains.
    """

    def __init__(self, settings: Settings, identity: Identity) -> None:
        self._identity = identity
        self._seconds = settings.lease_seconds
        self._redis = open_redis(settings, answer_seconds=self._seconds / 3)
        self._lease = Lease(self._redis, identity.resource, identity.token, self._seconds)
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fitq-keeper", daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def stop(self) -> None:
        """Let go of the device and of the name, so that the next worker need not wait."""
        self._leave.set()
        self._thread.join()
        try:
            self._lease.release()
            withdraw(self._redis, self._identity.token)
        except redis.RedisError as error:
            log.warning("Redis is away; the lease ends by itself: %s", error)

    def _run(self) -> None:
        since: float | None = None
        while True:
            pause = min(1.0, self._seconds / 10)
            try:
                since = since or float(self._redis.time()[0])
                if self._lease.renew() == "lost":
                    log.error("another worker holds %s: leaving", self._identity.resource)
                    os.kill(os.getpid(), signal.SIGTERM)
                    return
                state = _state()
                announce(self._redis, self._identity.info(state, since), self._seconds)
                pause = self._seconds / 3 if flags.warm() else min(self._seconds / 3, 0.5)
            except redis.RedisError as error:
                log.warning("cannot renew the lease, trying again: %s", error)
            except Exception:
                log.exception("cannot renew the lease, trying again")
            if self._leave.wait(pause):
                return


def _state() -> str:
    if flags.draining():
        return "draining"
    return "ready" if flags.warm() else "starting"
