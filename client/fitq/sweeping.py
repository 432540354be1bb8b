"""Submitting, finding and steering sweeps. Who conducts them are the workers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fitq.waiting import what_a_sweep_waits_for
from fitq_shared.errors import InvalidInput
from fitq_shared.redis_link import PATIENT_SECONDS, reporting_unreachable, server_time
from fitq_shared.sweeps.address import value_at
from fitq_shared.sweeps.checked import KIND
from fitq_shared.sweeps.record import SweepRecord, Trial, best_trial
from fitq_shared.sweeps.records import copies
from fitq_shared.sweeps.watch import Watch

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.record import JobRecord
    from fitq_shared.sweeps.spec import SweepSpec

# How long between two looks at a sweep that is waited for.
LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Standing:
    """A sweep as it stands: its trials, and of the open ones their jobs and curves by job id.

    Among the jobs is the one that reports on it, once that was asked for.

    `waits` says in words why none of its trials can run; it is empty if some can.
    """

    sweep: SweepRecord
    trials: tuple[Trial, ...]
    jobs: Mapping[str, JobRecord]
    curves: Mapping[str, Sequence[float]]
    waits: str = ""

    @property
    def best(self) -> Trial | None:
        """The best completed trial."""
        return best_trial(self.sweep.goal, self.trials)

    def state(self, trial: Trial) -> str:
        """What a trial does, or how it has ended."""
        if trial.state != "open":
            return trial.state
        job = self.jobs.get(trial.job)
        if job is None:
            return "queued"
        if job.ended:
            # Nobody has looked yet what its end means for the sweep.
            return "ending"
        return "stopping" if trial.stop else job.state

    def curve(self, trial: Trial) -> Sequence[float]:
        """The metric after each epoch of a trial, open or not."""
        return self.curves.get(trial.job, trial.curve)


class Sweeping:
    """A client's way to sweeps.

    Raises:
        QueueUnreachable: from every method, when Redis does not answer.
    """

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._settings = queue.settings
        self._sweeps = queue.sweeps
        self._watched: dict[str, Watch] = {}

    def submit(self, spec: SweepSpec, after: Sequence[JobRecord] = ()) -> SweepRecord:
        """Write down a sweep. From here on the workers conduct it.

        Args:
            after: its trials are begun when all these have succeeded.

        Raises:
            InvalidInput: one that it comes after has failed or was cancelled.
        """
        from fitq.queue import refuse_to_wait_for
        from fitq_shared.signing import Signer

        refuse_to_wait_for(after)

        signer = Signer.from_settings(self._settings)

        def prove(sweep_id: str) -> str | None:
            return signer.prove(sweep_id, KIND, spec.digest()) if signer else None

        with reporting_unreachable(self._settings):
            self._sweeps.redis.ping()
            return self._sweeps.create(spec, prove, [record.id for record in after])

    def find(self, reference: str) -> SweepRecord:
        """The sweep that an id, the beginning of one, or a name refers to.

        Raises:
            UnknownJob: there is none, or several begin like this.
        """
        with reporting_unreachable(self._settings):
            return self._sweeps.find(reference)

    def all(self, limit: int | None = None) -> list[tuple[SweepRecord, list[Trial]]]:
        """The sweeps with their trials, newest first."""
        with reporting_unreachable(self._settings):
            sweeps = list(self._sweeps.all(limit))
            trials = self._sweeps.trials_of([one.id for one in sweeps])
        return [(one, trials[one.id]) for one in sweeps]

    def going_on(self, jobs: Iterable[JobRecord]) -> list[SweepRecord]:
        """The running sweeps of which some of these jobs are trials."""
        tags = {tag for job in jobs for tag in job.tags}
        with reporting_unreachable(self._settings):
            return [one for one in self._sweeps.open() if one.tag in tags and not one.ended]

    def standing(self, sweep_id: str) -> Standing:
        """How a sweep stands now. Asked again, it reads only what is new."""
        with reporting_unreachable(self._settings):
            sweep = self._sweeps.get(sweep_id)
            watch = self._watched.setdefault(sweep_id, Watch(self._sweeps))
            trials = watch.trials(sweep)
            opened = [trial.job for trial in trials if trial.state == "open"]
            jobs = self._queue.several([*opened, *filter(None, [sweep.report])])
            curves = watch.curves(opened, sweep.spec["metric"])
            before = [] if trials else [*self._queue.several(sweep.after).values()]
            waits = what_a_sweep_waits_for(sweep, before, self._queue.workers())
        return Standing(sweep, trials, jobs, curves, waits)

    def wait(self, sweep: SweepRecord, timeout: float | None = None) -> SweepRecord:
        """The sweep once it has ended; as it is when `timeout` seconds have passed before that.

        An outage of Redis is ridden out, for five minutes or until the timeout.
        """
        end = None if timeout is None else time.monotonic() + timeout
        patience = PATIENT_SECONDS if timeout is None else min(timeout, PATIENT_SECONDS)
        patient = Sweeping(self._queue.patient(seconds=patience))
        while True:
            current = patient.find(sweep.id)
            left = LOOK_SECONDS if end is None else end - time.monotonic()
            if current.ended or left <= 0:
                return current
            time.sleep(min(LOOK_SECONDS, left))

    def cancel(self, sweep: SweepRecord) -> SweepRecord:
        """Stop a sweep: its running trials stop at their next batch.

        Raises:
            InvalidInput: it had ended.
        """
        with reporting_unreachable(self._settings):
            while True:
                if sweep.ended:
                    raise InvalidInput(
                        f"{sweep.name} had already ended: it is {sweep.state}",
                        f"see `fitq sweep show {sweep.name}`",
                    )
                cancelled = replace(
                    sweep, state="cancelled", finished=server_time(self._sweeps.redis)
                )
                if self._sweeps.write(cancelled):
                    return self._sweeps.get(sweep.id)
                sweep = self._sweeps.get(sweep.id)

    def resume(self, sweep: SweepRecord) -> SweepRecord:
        """Let a sweep go on that has ended, with the trials that are missing or have failed.

        Raises:
            InvalidInput: it runs, or has nothing left to do.
        """
        with reporting_unreachable(self._settings):
            while True:
                trials = self._sweeps.trials(sweep.id)
                jobs = self._queue.several([trial.job for trial in trials])
                attempts = {job_id: job.attempt for job_id, job in jobs.items() if job.ended}
                going_on, again = sweep.resumed(trials, attempts)
                if not sweep.ended or (sweep.state == "succeeded" and not again):
                    nothing_left = ", and all its trials have a result" if sweep.ended else ""
                    raise InvalidInput(
                        f"{sweep.name} cannot be resumed: it is {sweep.state}{nothing_left}",
                        f"see `fitq sweep show {sweep.name}`",
                    )
                if self._sweeps.write(going_on, again):
                    return self._sweeps.get(sweep.id)
                sweep = self._sweeps.get(sweep.id)

    def remove(self, sweep: SweepRecord) -> None:
        """Forget a sweep that has ended; the jobs of its trials stay.

        Raises:
            InvalidInput: it has not ended, or its last trials are just being stopped.
        """
        with reporting_unreachable(self._settings):
            if not self._sweeps.forget(sweep):
                raise InvalidInput(
                    f"{sweep.name} has not ended, or its last trials are being stopped",
                    f"stop it with `fitq sweep cancel {sweep.name}`",
                )
        if self._queue.artifacts.has_store:
            self._queue.artifacts.store.remove_tree(f"sweeps/{sweep.id}")

    def lost(self) -> list[tuple[SweepRecord, list[Trial]]]:
        """The sweeps that the store knows, and Redis does not, with their trials.

        Raises:
            StoreError: this client has no store, or cannot read it.
        """
        with reporting_unreachable(self._settings):
            known = {sweep.id for sweep in self._sweeps.all()}
        return [
            (one, trials)
            for one, trials in copies(self._queue.artifacts.store)
            if one.id not in known
        ]

    def restore(self, sweep: SweepRecord, trials: Sequence[Trial]) -> bool:
        """Write the record of a lost sweep: one that ran goes on. False when Redis knows it."""
        with reporting_unreachable(self._settings):
            return self._sweeps.restore(sweep, trials)


def difference(sweep: SweepRecord, trial: Trial) -> dict[str, tuple[Any, Any]]:
    """What a trial has instead of what the sweep's training has, by path; None: its default."""
    return {
        path: (value_at(sweep.spec["train"], path), value) for path, value in trial.params.items()
    }
