"""One sweep as Redis keeps it: its state, and what became of each trial."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from pydantic import TypeAdapter

from fitq_shared.metric_order import Mode, is_better
from fitq_shared.record import Reason
from fitq_shared.sweeps.spec import SweepName, SweepSpec

SweepState = Literal["running", "succeeded", "failed", "cancelled"]
SWEEP_STATES: tuple[SweepState, ...] = get_args(SweepState)
TrialState = Literal["open", "completed", "stopped", "diverged", "failed", "cancelled"]

_ID = re.compile(r"[a-z0-9]{1,16}")
_NAME: TypeAdapter[str] = TypeAdapter(SweepName)


@dataclass(frozen=True)
class Trial:
    """One trial. It is written down before its job is made, so that no other values follow.

    `after` is the attempt of its job that does not count any more, since the sweep was resumed
    when that had ended. `rung` is how far ASHA has let it come, `stop` why it is to be stopped.
    `value` is the metric of a completed trial's model, and the best so far of a stopped one's. A
    diverged trial has shown that its values are bad, as its loss or its metric is no number.
    `ended` is in seconds since the epoch, by Redis's clock.
    """

    number: int
    job: str
    params: dict[str, Any]
    state: TrialState = "open"
    after: int = 0
    rung: int = 0
    stop: str = ""
    value: float | None = None
    curve: tuple[float, ...] = ()
    reason: str = ""
    ended: float | None = None

    def to_text(self) -> str:
        """The trial as Redis keeps it: JSON, in which no number is none."""
        curve = [value if math.isfinite(value) else None for value in self.curve]
        return json.dumps({**asdict(self), "curve": curve}, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Trial:
        """Read a trial.

        Raises:
            one of `record.UNREADABLE`: this is none.
        """
        fields = json.loads(text)
        curve = tuple(math.nan if value is None else float(value) for value in fields["curve"])
        trial = cls(**{**fields, "curve": curve})
        if trial.state not in get_args(TrialState) or not isinstance(trial.params, dict):
            raise ValueError("not a trial")
        return trial


@dataclass(frozen=True)
class SweepRecord:
    """A sweep as its record says it is.

    `version` counts its changes: each names the one that it was made of. `round` counts how often
    it was resumed. `report` is the job that reports on it, once all its trials have ended.
    `outcome` is what became of the best model: its registered name and version. Its trials are
    begun when the jobs that it comes `after` have succeeded.
    """

    id: str
    name: str
    owner: str
    spec: dict[str, Any]
    spec_hash: str
    state: SweepState
    version: int
    created: float
    finished: float | None = None
    round: int = 0
    report: str = ""
    outcome: str = ""
    reason: Reason | None = None
    proof: str | None = None
    after: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether it will not go on by itself."""
        return self.state != "running"

    @property
    def tag(self) -> str:
        """The tag that its trials have."""
        return f"sweep-{self.id}"

    @property
    def goal(self) -> Mode:
        """Whether the metric is to be great or small."""
        return "min" if self.spec.get("goal") == "min" else "max"

    def parsed(self) -> SweepSpec:
        """The spec as a typed value.

        Raises:
            InvalidInput: whoever has written it was not fitq.
        """
        return SweepSpec.parse(self.spec)

    def job_of(self, number: int) -> str:
        """The id of the job of the trial of this number: it has no other, whatever dies when."""
        return f"{self.id}t{number}"

    @property
    def report_job(self) -> str:
        """The id of the job that reports on this round."""
        return f"{self.id}r{self.round}"

    def to_fields(self) -> dict[str, str]:
        """The record as Redis keeps it."""
        fields = {}
        for name, value in asdict(self).items():
            if name == "spec":
                fields[name] = json.dumps(value, sort_keys=True, separators=(",", ":"))
            elif name in ("reason", "after"):
                fields[name] = json.dumps(value) if value else ""
            else:
                fields[name] = "" if value is None else str(value)
        return fields

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> SweepRecord:
        """Read a record as Redis keeps it. Whoever can write to Redis may have forged it.

        Raises:
            one of `record.UNREADABLE`: this is no record.
        """
        if not _ID.fullmatch(fields["id"]):
            raise ValueError("an id has up to 16 small letters and digits")
        if fields["state"] not in SWEEP_STATES:
            raise ValueError("no state of a sweep")
        spec = json.loads(fields["spec"])
        if not isinstance(spec, dict):
            raise TypeError("a spec is a JSON object")
        reason = json.loads(fields["reason"]) if fields.get("reason") else None
        return cls(
            id=fields["id"],
            name=_NAME.validate_python(fields["name"]),
            owner=fields["owner"],
            spec=spec,
            spec_hash=fields["spec_hash"],
            state=fields["state"],
            version=int(fields["version"]),
            created=float(fields["created"]),
            finished=float(fields["finished"]) if fields.get("finished") else None,
            round=int(fields["round"]),
            report=fields.get("report", ""),
            outcome=fields.get("outcome", ""),
            reason=Reason(**reason) if reason else None,
            proof=fields.get("proof") or None,
            after=tuple(map(str, json.loads(fields.get("after") or "[]"))),
        )

    def public(self, trials: Sequence[Trial]) -> dict[str, Any]:
        """The sweep for people and programs."""
        found = best_trial(self.goal, trials)
        shown = {n: v for n, v in asdict(self).items() if n not in ("proof", "version")}
        return {
            **shown,
            "best": found.number if found else None,
            "trials": [
                {**asdict(t), "curve": [v if math.isfinite(v) else None for v in t.curve]}
                for t in trials
            ],
        }

    def resumed(
        self, trials: Sequence[Trial], attempts: Mapping[str, int]
    ) -> tuple[SweepRecord, list[Trial]]:
        """The sweep as it goes on, and the trials that are run once more: those without a result.

        Args:
            attempts: the newest attempt of each trial's job, by the job's id.
        """
        again = [
            replace(
                trial,
                state="open",
                after=attempts.get(trial.job, 0),
                stop="",
                reason="",
                ended=None,
            )
            for trial in trials
            if trial.state in ("open", "failed", "cancelled")
        ]
        going_on = replace(
            self,
            state="running",
            finished=None,
            round=self.round + 1,
            report="",
            outcome="",
            reason=None,
        )
        return going_on, again


def best_trial(goal: Mode, trials: Sequence[Trial]) -> Trial | None:
    """The completed trial with the best value, the first of equals: only these have a model."""
    found: Trial | None = None
    for trial in sorted(trials, key=lambda trial: trial.number):
        if trial.state != "completed" or trial.value is None or not math.isfinite(trial.value):
            continue
        if found is None or found.value is None or is_better(trial.value, found.value, goal):
            found = trial
    return found


def failures_in_a_row(trials: Sequence[Trial]) -> int:
    """How many of the trials that ended last have failed."""
    ended = sorted(
        (trial for trial in trials if trial.ended is not None),
        key=lambda trial: (trial.ended or 0.0, trial.number),
        reverse=True,
    )
    count = 0
    for trial in ended:
        if trial.state == "cancelled":
            continue
        if trial.state != "failed":
            break
        count += 1
    return count
