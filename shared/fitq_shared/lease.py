"""A lease: a name in Redis that one owner holds for as long as it renews it.

It holds a worker's device and, through the record's owner, the attempt that runs there. The
time to live counts by Redis's clock, so hosts' clocks do not matter.
"""

from __future__ import annotations

from typing import Any, Literal

from fitq_shared.redis_link import Redis

Renewal = Literal["held", "lost"]

# Extend our own lease, or take it again if it has run out and nobody took it meanwhile.
# An attempt that was given to another in between is safe: its record knows the new one.
_RENEW = """
local owner = redis.call('GET', KEYS[1])
if owner == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if owner then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Lease:
    """One owner's lease on one resource.

    Args:
        resource: what is held, for example "gpu:GPU-8f2c…" or "cpu:host:0-1".
        token: who holds it, different for every process that ever asks.
        seconds: how long it stands without being renewed.
    """

    def __init__(self, redis: Redis, resource: str, token: str, seconds: float) -> None:
        self.key = f"fitq:lease:{resource}"
        self.token = token
        self.seconds = seconds
        self._redis = redis
        self._renew: Any = redis.register_script(_RENEW)
        self._release: Any = redis.register_script(_RELEASE)

    def acquire(self) -> bool:
        """Take the lease if nobody else holds it."""
        return self.renew() == "held"

    def renew(self) -> Renewal:
        """Hold it for another full term, or learn that it is another's."""
        milliseconds = int(self.seconds * 1000)
        held = self._renew(keys=[self.key], args=[self.token, milliseconds])
        return "held" if held else "lost"

    def release(self) -> None:
        """Let go at once, if it is still ours."""
        self._release(keys=[self.key], args=[self.token])
