"""One job record: what Redis keeps of a job, as a typed value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from fitq_shared.queues import DeviceNeed, queue_for

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
STATES: tuple[State, ...] = get_args(State)
ENDED: tuple[State, ...] = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Reason:
    """Why a job failed, or why an attempt was given up: a word, a sentence, what to do."""

    kind: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class JobRecord:
    """A job as its record says it is. Times are seconds since the epoch by Redis's clock."""

    id: str
    name: str
    kind: str
    owner: str
    tags: tuple[str, ...]
    device: DeviceNeed
    summary: str
    spec: dict[str, Any]
    spec_hash: str
    state: State
    attempt: int
    losses: int
    created: float
    sent: float
    started: float | None = None
    finished: float | None = None
    worker: str | None = None
    device_name: str | None = None
    token: str | None = None
    lease: str | None = None
    cancel: bool = False
    reason: Reason | None = None
    metrics: dict[str, float] | None = None
    manifest: str | None = None

    @property
    def queue(self) -> str:
        """The queue that the job's needs name."""
        return queue_for(self.device)

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in ENDED

    def public(self) -> dict[str, Any]:
        """The record for people and programs: without the owner's secret token."""
        shown = asdict(self)
        del shown["token"], shown["lease"]
        return shown

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> JobRecord:
        """Read a record as Redis keeps it."""

        def number(name: str) -> float | None:
            return float(fields[name]) if name in fields else None

        reason = json.loads(fields["reason"]) if "reason" in fields else None
        return cls(
            id=fields["id"],
            name=fields["name"],
            kind=fields["kind"],
            owner=fields["owner"],
            tags=tuple(json.loads(fields["tags"])),
            device=fields["device"],  # type: ignore[arg-type]
            summary=fields["summary"],
            spec=json.loads(fields["spec"]),
            spec_hash=fields["spec_hash"],
            state=fields["state"],  # type: ignore[arg-type]
            attempt=int(fields["attempt"]),
            losses=int(fields["losses"]),
            created=float(fields["created"]),
            sent=float(fields["sent"]),
            started=number("started"),
            finished=number("finished"),
            worker=fields.get("worker"),
            device_name=fields.get("device_name"),
            token=fields.get("token"),
            lease=fields.get("lease"),
            cancel=fields.get("cancel") == "1",
            reason=Reason(**reason) if reason else None,
            metrics=json.loads(fields["metrics"]) if "metrics" in fields else None,
            manifest=fields.get("manifest"),
        )


@dataclass(frozen=True)
class Attempt:
    """One worker's hold on one job: what every change of a running record must name."""

    job_id: str
    number: int
    token: str
