"""A lease: what one owner holds in Redis for as long as it renews it.

It is a name that nobody else can hold and, with it, a share of each of some devices: all of
them or none. A worker's lease holds its devices and, through the record's owner, the attempt
that runs there. The time to live counts by Redis's clock, so hosts' clocks do not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from fitq_shared.redis_link import Redis

Renewal = Literal["held", "lost"]

# Take the name and a share of `count` of the devices, the least used ones first; what is ours
# already does not stand in the way. So the same script takes, renews (all devices are ours), and
# takes again what has run out, if nobody came meanwhile. An attempt that was given to another in
# between is safe: its record knows the new one.
# KEYS: lease, device, ...   ARGV: token, milliseconds, count, share
# A device is a hash: token -> "share, end of its term in milliseconds".
# Returns 1 and the positions of the devices that were taken, or 0: nothing was.
_TAKE = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return {0} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local life, count, share = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local fits = {}
for i = 2, #KEYS do
  local others, holders = 0, redis.call('HGETALL', KEYS[i])
  for j = 1, #holders, 2 do
    local part, term = string.match(holders[j + 1], '^(%S+) (%S+)$')
    if tonumber(term) <= now then
      redis.call('HDEL', KEYS[i], holders[j])
    elseif holders[j] ~= ARGV[1] then
      others = others + tonumber(part)
    end
  end
  if others + share < 1.00001 then fits[#fits + 1] = {others, i} end
end
if #fits < count then return {0} end
table.sort(fits, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local taken = {1}
for n = 1, count do
  local i = fits[n][2]
  redis.call('HSET', KEYS[i], ARGV[1], ARGV[4] .. ' ' .. string.format('%.0f', now + life))
  redis.call('PEXPIRE', KEYS[i], math.max(life, redis.call('PTTL', KEYS[i])))
  taken[n + 1] = i - 2
end
return taken
"""

# KEYS: lease, device, ...   ARGV: token
_RELEASE = """
for i = 2, #KEYS do redis.call('HDEL', KEYS[i], ARGV[1]) end
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Lease:
    """One owner's lease.

    Args:
        resource: the name that is held, for example "worker:3f2a91c8".
        token: who holds it, different for every process that ever asks.
        seconds: how long it stands without being renewed.
        devices: what is held with it, for example "gpu:GPU-8f2c…" or "core:host:3".
        share: how much of each device, above 0 and at most 1: wholly.
    """

    def __init__(
        self,
        redis: Redis,
        resource: str,
        token: str,
        seconds: float,
        devices: Sequence[str] = (),
        share: float = 1.0,
    ) -> None:
        self.key = f"fitq:lease:{resource}"
        self.token = token
        self.seconds = seconds
        self.devices = tuple(devices)
        self._share = share
        self._redis = redis
        self._take: Any = redis.register_script(_TAKE)
        self._release: Any = redis.register_script(_RELEASE)

    def acquire(self) -> bool:
        """Take the lease, with all its devices, if no other stands in the way."""
        return self.renew() == "held"

    def acquire_some(self, candidates: Sequence[str], count: int) -> bool:
        """Take the lease with so many of these devices, which then are `devices`."""
        taken = self._ask(candidates, count)
        if taken is None:
            return False
        self.devices = tuple(candidates[position] for position in sorted(taken))
        return True

    def renew(self) -> Renewal:
        """Hold everything for another full term, or learn that a part of it is another's."""
        return "lost" if self._ask(self.devices, len(self.devices)) is None else "held"

    def release(self) -> None:
        """Let go at once of what is still ours."""
        self._release(keys=[self.key, *map(device_key, self.devices)], args=[self.token])

    def _ask(self, candidates: Sequence[str], count: int) -> list[int] | None:
        """The positions of the devices that were taken; None: they are not to be had."""
        granted, *taken = self._take(
            keys=[self.key, *map(device_key, candidates)],
            args=[self.token, int(self.seconds * 1000), count, f"{self._share:.6f}"],
        )
        return taken if granted else None


def device_key(device: str) -> str:
    """The key of those who hold a share of a device."""
    return f"fitq:device:{device}"


def holders(redis: Redis, devices: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The tokens of those who hold a share of each device now."""
    with redis.pipeline() as pipe:
        pipe.time()
        for device in devices:
            pipe.hgetall(device_key(device))
        (seconds, micros), *found = pipe.execute()
    now = seconds * 1000 + micros // 1000
    return {
        device: tuple(sorted(token for token, held in by.items() if int(held.split()[1]) > now))
        for device, by in zip(devices, found, strict=True)
    }
