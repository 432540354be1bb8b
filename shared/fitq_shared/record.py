"""One job record: what Redis keeps of a job, as a typed value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from pydantic import TypeAdapter

from fitq_shared.queues import DeviceNeed, Needs, Priority, QueueName
from fitq_shared.rows_used import RowsUsed
from fitq_shared.schema import SCHEMA_VERSION
from fitq_shared.specs.base import Label

State = Literal["waiting", "queued", "running", "succeeded", "failed", "cancelled"]
STATES: tuple[State, ...] = get_args(State)
ENDED: tuple[State, ...] = ("succeeded", "failed", "cancelled")
# What `from_fields` raises for what is no record.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)

# Both become parts of paths, on the volume and where `fitq pull` is run.
_ID = re.compile(r"[a-z0-9]{1,32}")
_LABEL: TypeAdapter[str] = TypeAdapter(Label)


@dataclass(frozen=True)
class Reason:
    """Why a job failed, or why an attempt was given up: a word, a sentence, what to do."""

    kind: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class JobRecord:
    """A job as its record says it is. Times are seconds since the epoch by Redis's clock.

    `threads` is how many threads one operation may use, decided by the first attempt: it
    changes the last digits of a result, so later attempts keep it. Attempts before
    `first_attempt` are not resumed from. `losses` and `faults` count lost workers and faults
    of the infrastructure; `ran` is for how long earlier attempts have run, in seconds. A queued
    job that is `due` later waits until then. `proof` is the client's signature, if it signs.
    `queue` is where it waits: the name says its needs, its priority and its lane, which stays
    the same until the job is retried. It waits until all the jobs that it comes `after` have
    succeeded; then it is `released`, once for ever. `rows_used` are those that it has measured a
    model by, or predicted.
    """

    id: str
    name: str
    kind: str
    owner: str
    tags: tuple[str, ...]
    device: DeviceNeed
    queue: str
    summary: str
    spec: dict[str, Any]
    spec_hash: str
    state: State
    attempt: int
    losses: int
    created: float
    sent: float
    schema: int = SCHEMA_VERSION
    threads: int | None = None
    first_attempt: int = 1
    faults: int = 0
    ran: float = 0.0
    due: float | None = None
    proof: str | None = None
    after: tuple[str, ...] = ()
    released: bool = False
    started: float | None = None
    finished: float | None = None
    worker: str | None = None
    device_name: str | None = None
    token: str | None = None
    lease: str | None = None
    cancel: bool = False
    cancel_asked: float | None = None
    reason: Reason | None = None
    metrics: dict[str, float] | None = None
    manifest: str | None = None
    rows_used: RowsUsed | None = None

    @property
    def needs(self) -> Needs:
        """What the job needs of a worker."""
        code = QueueName.parse(self.queue).code
        return Needs(self.device, self.spec.get("min_gpu_memory"), self.spec.get("gpus"), code)

    @property
    def priority(self) -> Priority:
        """Which jobs the job goes before."""
        return QueueName.parse(self.queue).priority

    @property
    def timeout(self) -> float | None:
        """For how long the job may run, all its attempts together, in seconds."""
        seconds = self.spec.get("timeout")
        return None if seconds is None else float(seconds)

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in ENDED

    def public(self) -> dict[str, Any]:
        """The record for people and programs: without what only workers need."""
        shown = asdict(self) | {"priority": self.priority}
        for secret in ("token", "lease", "proof"):
            del shown[secret]
        return shown

    def to_fields(self) -> dict[str, str]:
        """The record as Redis keeps it."""
        fields = {}
        for name, value in asdict(self).items():
            if value is None or value is False or (name == "after" and not value):
                continue
            if name == "spec":
                fields[name] = json.dumps(value, sort_keys=True, separators=(",", ":"))
            elif name in ("tags", "reason", "metrics", "after", "rows_used"):
                fields[name] = json.dumps(value)
            else:
                fields[name] = "1" if value is True else str(value)
        return fields

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> JobRecord:
        """Read a record as Redis keeps it. Whoever can write to Redis may have forged it.

        Raises:
            one of UNREADABLE: this is no record.
        """
        _id(fields["id"])

        def number(name: str) -> float | None:
            return float(fields[name]) if name in fields else None

        reason = json.loads(fields["reason"]) if "reason" in fields else None
        return cls(
            id=fields["id"],
            name=_LABEL.validate_python(fields["name"]),
            kind=fields["kind"],
            owner=fields["owner"],
            tags=tuple(_text(tag) for tag in json.loads(fields["tags"])),
            device=fields["device"],  # type: ignore[arg-type]
            queue=str(QueueName.parse(fields["queue"])),
            summary=fields["summary"],
            spec=_spec(fields["spec"]),
            spec_hash=fields["spec_hash"],
            state=fields["state"],  # type: ignore[arg-type]
            attempt=int(fields["attempt"]),
            losses=int(fields["losses"]),
            created=float(fields["created"]),
            sent=float(fields["sent"]),
            schema=int(fields.get("schema", 1)),
            threads=int(fields["threads"]) if "threads" in fields else None,
            first_attempt=int(fields.get("first_attempt", 1)),
            faults=int(fields.get("faults", 0)),
            ran=float(fields.get("ran", 0)),
            due=number("due"),
            proof=fields.get("proof"),
            after=tuple(_id(one) for one in json.loads(fields.get("after", "[]"))),
            released="released" in fields,
            started=number("started"),
            finished=number("finished"),
            worker=fields.get("worker"),
            device_name=fields.get("device_name"),
            token=fields.get("token"),
            lease=fields.get("lease"),
            cancel=fields.get("cancel") == "1",
            cancel_asked=number("cancel_asked"),
            reason=Reason(**{n: _text(v) for n, v in reason.items()}) if reason else None,
            metrics=_metrics(fields["metrics"]) if "metrics" in fields else None,
            manifest=fields.get("manifest"),
            rows_used=_rows_used(fields["rows_used"]) if "rows_used" in fields else None,
        )


@dataclass(frozen=True)
class Attempt:
    """One worker's hold on one job: what every change of a running record must name."""

    job_id: str
    number: int
    token: str


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("an id has up to 32 small letters and digits")
    return value


def _spec(text: str) -> dict[str, Any]:
    spec = json.loads(text)
    if not isinstance(spec, dict) or not isinstance(spec.get("timeout"), int | float | None):
        raise TypeError("a spec is a JSON object, its timeout a number")
    return spec


def _metrics(text: str) -> dict[str, float]:
    metrics = json.loads(text)
    if not all(isinstance(value, int | float) for value in metrics.values()):
        raise TypeError("metrics are numbers")
    return dict(metrics)


def _rows_used(text: str) -> RowsUsed:
    return RowsUsed(**json.loads(text))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("tags and reasons are text")
    return value
