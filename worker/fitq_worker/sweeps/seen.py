"""What there is to see of a sweep: its trials, their jobs, and how these learn."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import StoreError
from fitq_shared.redis_link import server_time
from fitq_shared.sweeps.stopping import curve_of, values_by_epoch
from fitq_shared.workers import list_workers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fitq_shared.record import JobRecord
    from fitq_shared.records import Records
    from fitq_shared.store import Store
    from fitq_shared.sweeps.record import SweepRecord, Trial
    from fitq_shared.sweeps.spec import SweepSpec
    from fitq_shared.sweeps.watch import Watch


@dataclass(frozen=True)
class Seen:
    """A sweep as it is at one moment.

    `jobs` are those of `Watch.without_model`, and of the report, by id; `curves` the metric
    after each epoch of trials that go on, by number; `workers` is how many could run a trial now;
    `now` is in seconds since the epoch, by Redis's clock. `before` are the jobs that the sweep
    comes after, by id, as far as they are there; nobody asks for them once there is a trial.
    """

    sweep: SweepRecord
    spec: SweepSpec
    trials: tuple[Trial, ...]
    jobs: Mapping[str, JobRecord]
    curves: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    workers: int = 1
    now: float = 0.0
    before: Mapping[str, JobRecord] = field(default_factory=dict)

    @property
    def open(self) -> list[Trial]:
        """The trials that have not ended, as far as the sweep has noticed."""
        return [trial for trial in self.trials if trial.state == "open"]

    def curve(self, trial: Trial) -> tuple[float, ...]:
        """The metric after each epoch of a trial, open or not."""
        return self.curves.get(trial.number, trial.curve)


def see(watch: Watch, records: Records, sweep: SweepRecord, spec: SweepSpec) -> Seen:
    """See how a sweep stands, in Redis."""
    trials = watch.trials(sweep)
    asked = watch.without_model(sweep)
    jobs = records.several([*(trial.job for trial in asked), *filter(None, [sweep.report])])
    watched = [one for one in asked if one.state == "open" or _goes_on(jobs.get(one.job))]
    known = watch.curves([trial.job for trial in watched], spec.metric)
    curves = {trial.number: known[trial.job] for trial in watched}
    need = spec.trial(1, spec.drawn(1), sweep.tag).needs.name
    takers = [one for one in list_workers(records.redis) if one.takes_jobs and one.meets(need)]
    before = {} if trials else records.several(sweep.after)
    now = server_time(records.redis)
    return Seen(sweep, spec, trials, jobs, curves, len(takers), now, before)


def from_volume(seen: Seen, store: Store) -> dict[int, tuple[float, ...]]:
    """The curves of trials that ended so long ago that Redis has forgotten their epochs."""
    found = {}
    for trial in seen.open:
        job = seen.jobs.get(trial.job)
        if job is not None and job.ended and not seen.curves.get(trial.number):
            values = values_by_epoch(_history(store, job), seen.spec.metric)
            found[trial.number] = tuple(curve_of(values))
    return found


def _goes_on(job: JobRecord | None) -> bool:
    return job is not None and not job.ended


def _history(store: Store, job: JobRecord) -> list[dict[str, Any]]:
    try:
        rows = AttemptFolder.of(store, job).read_json(AttemptFolder.history_json)
    except (StoreError, ValueError):
        return []
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def finite(value: Any) -> bool:
    """Whether this is a number that can be compared."""
    return isinstance(value, int | float) and math.isfinite(value)
