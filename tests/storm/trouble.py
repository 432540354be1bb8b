"""What was done to a worker, to Redis or to the volume, and what of a job's fate that explains."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storm.rig import LEASE_SECONDS
from storm.strike import Strike

# How long a fault may show after its end: the lease, a look of the reaper, which waits for up to
# a lease after an outage, and what a busy machine adds. A new worker is ready within it too.
AFTERMATH_SECONDS = 2 * LEASE_SECONDS + 5.0
# In which time a job must be queued again: the lease, and three seconds for the reapers' looks.
HANDING_BACK_SECONDS = LEASE_SECONDS + 3.0

_WORKER_LOST = ("kill-parent", "kill-child", "stop", "cut-long", "kill-before-commit")
# Which faults explain that an attempt was given back for this reason. A short cut is not among
# them, and a full volume only for its own reason: neither costs a worker its lease.
EXPLAINS = {
    "worker-lost": {*_WORKER_LOST, "late-commit", "kill-redis"},
    "out-of-memory": {"kill-child", "kill-before-commit"},
    "drain": {"drain"},
    "store": {"full-volume"},
    "redis": {"kill-redis", "cut-long", "late-commit"},
}
# After these a worker's job must be queued again by the others.
HANDED_BACK_AFTER = ("kill-parent", "stop", "cut-long")
_SHARED = ("redis", "volume")


@dataclass(frozen=True)
class Trouble:
    """One fault, from its begin until it can show no more, in seconds since the epoch.

    `worker` is None when it met all of them.
    """

    kind: str
    worker: str | None
    begin: float
    end: float

    def meets(self, worker: str, begin: float, end: float) -> bool:
        """Whether this worker was in this trouble at some time between the two."""
        return self.worker in (None, worker) and self.begin <= end and begin <= self.end


def troubles(strikes: Iterable[Strike], now: float) -> list[Trouble]:
    """The troubles that faults have made until now."""
    return [
        Trouble(
            strike.planned.kind,
            None if strike.target in _SHARED else strike.target,
            strike.since,
            (strike.over or now) + AFTERMATH_SECONDS,
        )
        for strike in strikes
        if strike.begun
    ]


def undisturbed_seconds(worker: str, found: Sequence[Trouble], begin: float, end: float) -> float:
    """For how long nothing explained that an attempt was taken from this worker."""
    left, free = begin, 0.0
    met = [t for t in found if t.kind in EXPLAINS["worker-lost"] and t.meets(worker, begin, end)]
    for trouble in sorted(met, key=lambda trouble: trouble.begin):
        free += max(0.0, trouble.begin - left)
        left = max(left, trouble.end)
    return free + max(0.0, end - left)


def must_be_handed_back(strike: Strike, strikes: Sequence[Strike], workers: Sequence[str]) -> bool:
    """Whether the job that a fault met must be queued again in time.

    That is so while Redis answers and another worker, to which nothing is done, looks after it.
    Who looks is the worker's parent, and in Redis alone: a child that is gone, or a full volume,
    holds nothing up.
    """
    if strike.planned.kind not in HANDED_BACK_AFTER or strike.hit is None or not strike.observed:
        return False
    begin, end = strike.begun, strike.begun + HANDING_BACK_SECONDS
    others = [
        trouble
        for trouble in troubles([s for s in strikes if s is not strike], time.time())
        if trouble.kind not in ("kill-child", "full-volume", "client-killed", "duplicate")
    ]
    return any(
        not any(trouble.meets(worker, begin, end) for trouble in others)
        for worker in workers
        if worker != strike.target
    )
