"""Conducts all sweeps: begins trials, stops bad ones, and says when a sweep has ended.

Every worker's parent has one. Of each sweep only one acts at a time, under a lease; should two do
so all the same, the record's version lets only one change it. Nothing is kept between two looks
that cannot be read again, so whoever dies, another goes on.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kombu.exceptions import OperationalError

from fitq_shared.changes import Changes
from fitq_shared.dispatch import create, send
from fitq_shared.errors import FitqError, StoreError
from fitq_shared.lease import Lease
from fitq_shared.outage import PASSING
from fitq_shared.record import Reason
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis, server_time
from fitq_shared.signing import Signer
from fitq_shared.sweeps.checked import checked
from fitq_shared.sweeps.record import Trial
from fitq_shared.sweeps.records import Sweeps
from fitq_shared.sweeps.watch import Watch
from fitq_worker.fork_guard import fork_guard
from fitq_worker.parent_thread import ParentThread
from fitq_worker.seldom import Seldom
from fitq_worker.sweeps.closing import name_the_best, put_table
from fitq_worker.sweeps.plan import Plan, plan
from fitq_worker.sweeps.seen import from_volume, see
from fitq_worker.sweeps.suggesting import NoSuggestion, has_optuna, suggest
from fitq_worker.volume import open_volume

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.settings import Settings
    from fitq_shared.specs.base import JobSpec
    from fitq_shared.sweeps.record import SweepRecord
    from fitq_shared.sweeps.spec import SweepSpec
    from fitq_worker.identity import Identity
    from fitq_worker.sweeps.seen import Seen

log = logging.getLogger(__name__)

PERIOD_SECONDS = 1.0
LAST_LOOK_SECONDS = 5.0
# So often a sampler may fail one after the other, before its sweep does.
MOST_SILENCES = 5
_AWAY = (*PASSING, OperationalError, StoreError)


@dataclass
class _Held:
    """A sweep of this conductor: its lease, what was read of it, how often its sampler failed."""

    lease: Lease
    watch: Watch
    silences: int = 0


class Conductor(ParentThread):
    """A thread that looks at all open sweeps once a second.

    When it is told to stop, another conducts at once; a volume that hangs does not hold it up long.
    """

    def __init__(self, app: Celery, settings: Settings, identity: Identity) -> None:
        super().__init__("fitq-conductor", LAST_LOOK_SECONDS)
        redis = open_redis(settings, answer_seconds=settings.lease_seconds / 3)
        self._app = app
        self._settings = settings
        self._identity = identity
        self._records = Records(redis)
        self._changes = Changes(self._records)
        self._sweeps = Sweeps(redis)
        self._store = open_volume(settings)
        self._signer = Signer.from_settings(settings)
        self._period = min(PERIOD_SECONDS, settings.lease_seconds / 10)
        self._held: dict[str, _Held] = {}
        self._seldom = Seldom()

    def _run(self) -> None:
        while not self._leave.wait(self._period):
            try:
                self.look()
            except Exception:
                log.exception("the conductor goes on after an error that it did not expect")
        try:
            with fork_guard:
                for held in self._held.values():
                    held.lease.release()
        except _AWAY as error:
            log.warning("Redis is away; the leases of sweeps end by themselves: %s", error)

    def look(self) -> None:
        """Do what each open sweep needs, of those that no other conductor has."""
        try:
            with fork_guard:
                mine = [sweep for sweep in self._sweeps.open() if self._is_mine(sweep)]
            self._held = {sweep.id: self._held[sweep.id] for sweep in mine}
        except _AWAY as error:
            self._say(error)
            return
        for sweep in mine:
            try:
                self._conduct(sweep, self._held[sweep.id])
            except _AWAY as error:
                self._say(error)
            except Exception:
                log.exception("sweep %s: the conductor goes on after an error", sweep.id)

    def _is_mine(self, sweep: SweepRecord) -> bool:
        """Whether this conductor holds the sweep's lease, now for another term."""
        if sweep.spec.get("sampler") == "optuna" and not has_optuna():
            return False
        if sweep.id not in self._held:
            seconds = self._settings.lease_seconds
            lease = Lease(self._sweeps.redis, f"sweep:{sweep.id}", self._identity.token, seconds)
            self._held[sweep.id] = _Held(lease, Watch(self._sweeps))
        return self._held[sweep.id].lease.acquire()

    def _conduct(self, sweep: SweepRecord, held: _Held) -> None:
        """One step of a sweep."""
        try:
            spec = checked(sweep, self._signer)
        except FitqError as error:
            self._end(sweep, Reason("refused", error.message, error.hint))
            return
        with fork_guard:
            seen = see(held.watch, self._records, sweep, spec)
        seen = replace(seen, curves={**seen.curves, **from_volume(seen, self._store)})
        todo = plan(seen)
        chosen = self._choose(spec, todo, held)
        if chosen is None:
            return
        todo = replace(todo, trials=(*todo.trials, *chosen), create=(*todo.create, *chosen))
        report = put_table(self._store, todo.sweep, spec, todo.trials) if todo.finish else None
        with fork_guard:
            if report is not None:
                todo = self._finish(seen, todo, report)
            if self._write(seen, todo):
                self._do(spec, todo)

    def _choose(self, spec: SweepSpec, todo: Plan, held: _Held) -> list[Trial] | None:
        """The trials to begin, with their values. None while the sampler does not answer."""
        sweep = todo.sweep
        if not todo.begin:
            return []
        try:
            values = suggest(spec, todo.begin, todo.trials)
        except NoSuggestion as error:
            held.silences += 1
            log.warning("sweep %s: %s", sweep.id, error)
            if held.silences >= MOST_SILENCES:
                hint = f"see the log of {self._identity.name}; then `fitq sweep resume`"
                self._end(sweep, Reason("sampler", str(error), hint))
            return None
        held.silences = 0
        return [Trial(n, sweep.job_of(n), params) for n, params in values.items()]

    def _finish(self, seen: Seen, todo: Plan, report: JobSpec) -> Plan:
        """The plan with the report, which is asked for once, and the name of the best model."""
        sweep = todo.sweep
        job = seen.jobs.get(sweep.report)
        if not sweep.report:
            made = create(self._records, report, self._signer, sweep.report_job)
            send(self._app, made)
            sweep = replace(sweep, report=made.id)
        if sweep.state == "running" and not sweep.outcome:
            sweep = name_the_best(self._records, sweep, seen.spec, todo.trials)
        over = sweep.state != "running"
        if not over and todo.sweep.report and (job is None or job.ended):
            sweep, over = replace(sweep, state="succeeded", finished=seen.now), True
        return replace(todo, sweep=sweep, unfinished=not over)

    def _write(self, seen: Seen, todo: Plan) -> bool:
        """Write down what has changed. False when somebody else was faster."""
        before = {trial.number: trial for trial in seen.trials}
        changed = [trial for trial in todo.trials if before.get(trial.number) != trial]
        if not changed and todo.sweep == seen.sweep and todo.unfinished:
            return True
        # That a trial has come to a rung is not worth a copy in the volume.
        keep = todo.sweep != seen.sweep or any(
            trial.number not in before or before[trial.number].state != trial.state
            for trial in changed
        )
        return self._sweeps.write(todo.sweep, changed, unfinished=todo.unfinished, keep=keep)

    def _do(self, spec: SweepSpec, todo: Plan) -> None:
        """Do what was written down, or is left from a conductor that died."""
        for job in todo.retry:
            if self._changes.retry(job, fresh=False) == "retried":
                send(self._app, self._records.get(job.id))
        for trial in todo.create:
            if not spec.allows(trial.params):
                log.error("sweep %s: trial %s is none of its own", todo.sweep.id, trial.number)
                continue
            job = create(
                self._records,
                spec.trial(trial.number, trial.params, todo.sweep.tag),
                self._signer,
                trial.job,
            )
            send(self._app, job)
        for job, why in todo.cancel:
            self._changes.cancel(job, Reason("sweep", why))
            log.info("job %s (%s) is %s", job.id, job.name, why)

    def _end(self, sweep: SweepRecord, reason: Reason) -> None:
        """The sweep cannot go on."""
        with fork_guard:
            now = server_time(self._sweeps.redis)
            failed = replace(sweep, state="failed", finished=now, reason=reason)
            self._sweeps.write(failed, unfinished=reason.kind != "refused")

    def _say(self, error: Exception) -> None:
        if self._seldom.due(time.monotonic()):
            log.warning("sweeps must wait: %s", error)
