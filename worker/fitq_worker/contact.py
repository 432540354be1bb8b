"""For how long this worker has been in touch with Redis without a break."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import redis

if TYPE_CHECKING:
    from fitq_shared.redis_link import Redis

# Longer than a keeper needs to reach a Redis that is back, whatever the lease.
SHORTEST_PEACE_SECONDS = 3.0


class Contact:
    """Whether a lease that is not there tells of a worker that is not there.

    Leases run out while Redis is away, stands still or takes no writes, and those who live renew
    theirs afterwards: within a third of the lease, or half a second if they noticed. So after a
    break one waits for longer than that, and one who is new waits too. A break shorter than a
    third of the lease ends nobody's.

    Args:
        period: seconds between two questions at most, when there is no break.
    """

    def __init__(self, connection: Redis, lease_seconds: float, period: float) -> None:
        self._redis = connection
        self._break = period + lease_seconds / 3
        self._peace = min(lease_seconds, max(SHORTEST_PEACE_SECONDS, lease_seconds / 2))
        self._answered = -math.inf
        self._since = math.inf

    def ask(self) -> None:
        """Ask whether Redis is there and takes writes.

        Raises:
            redis.RedisError: it is not, or does not.
        """
        try:
            self._redis.set("fitq:contact", "", px=1000)
        except (redis.ConnectionError, redis.TimeoutError):
            raise
        except redis.RedisError:
            self._answered = -math.inf
            raise
        now = time.monotonic()
        if now - self._answered > self._break:
            self._since = now
        self._answered = now

    def answered(self) -> None:
        """Redis has answered all that it was asked until now."""
        self._answered = time.monotonic()

    @property
    def lasts(self) -> bool:
        """Whether all who live have had the time to renew their leases."""
        return self._answered - self._since >= self._peace
