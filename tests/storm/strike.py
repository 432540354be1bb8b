"""One fault that was done: to what, with which effect, and how the job came through it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from storm.member import Hit
from storm.plan import Planned
from storm.watcher import Happening

ENDINGS = ("succeeded", "failed", "cancelled")


@dataclass
class Strike:
    """What a fault did, noted by the fault itself.

    Attributes:
        target: what was broken.
        since, begun, over: seconds since the epoch: the first try, the fault itself, its end.
        effect: what was seen of it that it is to bring about; empty while nothing was.
        notes: what else was seen.
        hit: the attempt that it met, if it met one.
        complaint: why it has not had its effect, whatever was seen.
    """

    planned: Planned
    target: str = ""
    since: float = 0.0
    begun: float = 0.0
    over: float = 0.0
    effect: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    hit: Hit | None = None
    complaint: str = ""

    def begins(self, target: str, hit: Hit | None = None) -> None:
        """The fault happens now, and lasts."""
        self.begun, self.over = time.time(), 0.0
        self.since = self.since or self.begun
        self.target, self.hit = target, hit

    def ends(self) -> None:
        """What it broke is whole again, or ends by itself."""
        self.over = time.time()

    def saw(self, effect: str) -> None:
        """Note the effect that the fault is to have: it was looked for and found."""
        self.effect.append(effect)

    def note(self, what: str) -> None:
        """Note something that proves no effect."""
        self.notes.append(what)

    def __str__(self) -> str:
        met = f", met job {self.hit.job}-{self.hit.attempt}" if self.hit else ""
        seen = "; ".join([*self.effect, *self.notes]) or "nothing"
        complaint = f" ({self.complaint})" if self.complaint else ""
        number, kind = self.planned.number, self.planned.kind
        return f"fault {number} {kind} of {self.target or 'nothing'}{met}: {seen}{complaint}"

    @property
    def lasts(self) -> bool:
        """Whether it has begun, and is not over."""
        return bool(self.begun and not self.over)

    @property
    def observed(self) -> bool:
        """Whether the fault had the effect that it is to have."""
        return bool(self.effect) and not self.complaint

    def handing_back(self, events: Sequence[Happening]) -> float | None:
        """Seconds from the fault until the job was queued again; None if it never was."""
        if self.hit is None:
            return None
        for event in events:
            if (event.type, event.attempt) == ("requeued", self.hit.attempt):
                return max(0.0, event.at - self.begun)
        return None

    def recovery(self, events: Sequence[Happening]) -> float | None:
        """Seconds from the fault until the job ran again; None if it was not interrupted."""
        if self.hit is None:
            return None
        for event in events:
            if event.attempt <= self.hit.attempt:
                if event.type in ENDINGS:
                    return None
                continue
            if event.type == "started":
                return max(0.0, event.at - self.begun)
        return None

    def report(self, events: Sequence[Happening]) -> dict[str, Any]:
        """For the summary."""
        recovery, back = self.recovery(events), self.handing_back(events)
        return {
            "number": self.planned.number,
            "kind": self.planned.kind,
            "target": self.target,
            "effect": "; ".join(self.effect) or "none",
            "notes": "; ".join(self.notes),
            "complaint": self.complaint,
            "observed": self.observed,
            "job": self.hit.job if self.hit else None,
            "attempt": self.hit.attempt if self.hit else None,
            "seconds": round(self.over - self.begun, 1) if self.begun else 0.0,
            "queued_again_seconds": None if back is None else round(back, 1),
            "recovery_seconds": None if recovery is None else round(recovery, 1),
        }
