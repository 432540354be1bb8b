"""A sweep that is looked at again and again: each look reads only what is new."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from fitq_shared.events import events_key
from fitq_shared.sweeps.record import SweepRecord, Trial
from fitq_shared.sweeps.records import Sweeps
from fitq_shared.sweeps.stopping import curve_of, values_by_epoch

# Of the trials that have ended so many are looked at again at each look.
LOOKED_BACK_AT = 50


@dataclass
class _Read:
    """What a job has reported until the entry of its stream that was read last."""

    last: str = "-"
    values: dict[int, float] = field(default_factory=dict)


class Watch:
    """Reads one sweep's trials, and how the jobs of these learn.

    What is forgotten costs only that it is read once more.
    """

    def __init__(self, sweeps: Sweeps) -> None:
        self._sweeps = sweeps
        self._version = -1
        self._trials: tuple[Trial, ...] = ()
        self._read: dict[str, _Read] = {}
        self._turn = 0

    def trials(self, sweep: SweepRecord) -> tuple[Trial, ...]:
        """The sweep's trials: its version counts each change of them."""
        if sweep.version != self._version:
            self._trials = tuple(self._sweeps.trials(sweep.id))
            self._version = sweep.version
        return self._trials

    def without_model(self, sweep: SweepRecord) -> list[Trial]:
        """The open trials, and of those that have ended without a model some, in turn.

        The job of such a one may be retried by hand.
        """
        trials = self.trials(sweep)
        ended = [trial for trial in trials if trial.state not in ("open", "completed")]
        start = self._turn if self._turn < len(ended) else 0
        self._turn = start + LOOKED_BACK_AT
        opened = [trial for trial in trials if trial.state == "open"]
        return [*opened, *ended[start : self._turn]]

    def curves(self, jobs: Iterable[str], metric: str) -> dict[str, tuple[float, ...]]:
        """The metric after each epoch of these jobs, by id; others are no longer watched."""
        self._read = {job_id: self._read.get(job_id, _Read()) for job_id in jobs}
        with self._sweeps.redis.pipeline(transaction=False) as pipe:
            for job_id, read in self._read.items():
                pipe.xrange(events_key(job_id), min=read.last)
            answers: list[Any] = pipe.execute()
        for read, entries in zip(self._read.values(), answers, strict=True):
            rows = [json.loads(f["data"]) for _, f in entries if f.get("type") == "epoch"]
            read.values |= values_by_epoch(rows, metric)
            if entries:
                read.last = f"({entries[-1][0]}"
        return {job_id: tuple(curve_of(read.values)) for job_id, read in self._read.items()}
