"""One storm from its beginning to its end: rounds of jobs, faults, and the auditor's judgement."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import redis

from fitq_shared.record_keys import job_key
from storm import faults
from storm.auditor import (
    Finding,
    Reference,
    audit_acknowledged,
    audit_cancellation,
    audit_end,
    audit_events,
    audit_handing_back,
    audit_held,
    audit_job,
    audit_unexplained,
)
from storm.log import say
from storm.plan import Planned
from storm.planted import Planted
from storm.rig import LEASE_SECONDS, Rig, forget
from storm.strike import Strike
from storm.trouble import Trouble, must_be_handed_back, troubles, undisturbed_seconds
from storm.watcher import Watcher
from storm.workload import Workload, reference_of, spec_of

# A job is judged only so long after its end, since an outdated attempt may still come back.
SETTLING_SECONDS = 10.0
# When nothing happens to any job for so long, though some wait, they are lost. Longer than the
# longest pause that fitq makes before it tries a job again.
STANDSTILL_SECONDS = 150.0
REFERENCE_SECONDS = 240.0
# For how long the workers that the last faults hit may need until they are ready.
READY_SECONDS = 90.0
# The next round is sent when so few jobs wait that the fleet would soon be idle.
FEW_JOBS = 3


@dataclass
class Soak:
    """The state of one storm.

    Args:
        jobs: how many jobs a round has.
        planted: what fitq itself is broken by; the storm ends when it has been found.
    """

    rig: Rig
    plan: Sequence[Planned]
    jobs: int
    seed: int
    planted: Planted | None = None
    strikes: list[Strike] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    judged: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare what runs beside the faults."""
        self.watcher = Watcher(self.rig.redis)
        self.workload = Workload(self.rig.client, self.rig.references, random.Random(self.seed))
        self.references: dict[str, Reference] = {}
        self.ended_at: dict[str, float] = {}
        self.undisturbed: dict[str, float] = {}
        self.bounded: list[Strike] = []
        self._names: dict[str, str] = {}
        self._over = threading.Event()
        self._told: set[str] = set()

    # -- the undisturbed run --------------------------------------------------------------

    def make_references(self) -> None:
        """Run each spec once, undisturbed.

        Raises:
            AssertionError: one of them does not succeed.
        """
        client = self.rig.client
        submitted = {
            reference: client.submit(spec_of(client, reference, f"{reference}.reference"))
            for reference in self.rig.references
        }
        for reference, record in submitted.items():
            ended = client.wait(record, REFERENCE_SECONDS)
            assert ended.state == "succeeded", f"{reference} is {ended.state}: {ended.reason}"
            folder = self.rig.attempt_folder(record.id, ended.attempt)
            self.references[reference] = Reference.of(folder)
            took = (ended.finished or 0) - (ended.started or 0)
            rows = len(self.references[reference].history)
            say(f"reference {reference}: {rows} epochs in {took:.1f} s")

    # -- the storm ------------------------------------------------------------------------

    def run(self) -> None:
        """Do all faults, let all jobs end, stop the workers, and judge."""
        began = time.time()
        self.watcher.start()
        with ThreadPoolExecutor(max_workers=len(self.rig.members) + 4) as pool:
            self._feeder = pool.submit(self._feed)
            try:
                self._do_all(pool)
            finally:
                self._over.set()
        self._feeder.result()
        self._let_all_end()
        self._measure(began)
        self._let_workers_be_ready()
        self.rig.stop_workers()
        self._judge_the_end()
        self.watcher.stop()

    def _do_all(self, pool: ThreadPoolExecutor) -> None:
        running: list[Future[None]] = []
        for planned in self.plan:
            strike = self._wait_for(planned)
            if strike is None:
                break
            running = [*self._finished(running), pool.submit(self._do, strike)]
        while running:
            self._pause(0.5)
            running = self._finished(running)

    def _wait_for(self, planned: Planned) -> Strike | None:
        """Hold what a fault breaks as soon as that is whole. None: the storm ends early."""
        strike = Strike(planned)
        lock = faults.lock_for(self.rig, strike)
        over = self._pause(planned.pause)
        while not over and lock is not None and not lock.acquire(blocking=False):
            over = self._pause(0.5)
        if over:
            return None
        self.strikes.append(strike)
        return strike

    def _do(self, strike: Strike) -> None:
        """Do a fault, in a thread of its own, and let go of what it breaks."""
        lock = faults.lock_for(self.rig, strike)
        try:
            faults.FAULTS[strike.planned.kind](self.rig, strike)
        finally:
            strike.ends()
            if lock is not None:
                lock.release()
        say(str(strike))

    @staticmethod
    def _finished(running: list[Future[None]]) -> list[Future[None]]:
        """Those that still run. What a fault raised is raised here: the storm itself is wrong."""
        for future in running:
            if future.done():
                future.result()
        return [future for future in running if not future.done()]

    def _feed(self) -> None:
        """Send the first round, and another whenever few jobs are left, until the faults end."""
        while True:
            self.workload.submit_round(self.jobs)
            say(f"round {self.workload.rounds}: {self.jobs} jobs sent")
            self.watcher.wait_for_a_look()
            while self._waiting() > FEW_JOBS:
                if self._over.wait(0.5):
                    return
            if self._over.is_set():
                return

    def _waiting(self) -> int:
        return sum(not self.watcher.ended(job) for job in self.watcher.jobs())

    def _pause(self, seconds: float) -> bool:
        """Look around while the time passes. Returns whether the storm is to end early."""
        end = time.monotonic() + seconds
        while True:
            self._look()
            if self._feeder.done():
                self._feeder.result()
            if self._found_the_planted():
                return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(0.5, left))

    def _look(self) -> None:
        """Tell what ended, judge what has settled, and see to workers that left by themselves."""
        for job in self.watcher.jobs():
            if job in self.judged:
                continue
            events = self.watcher.of(job)
            if self.planted:
                found = audit_unexplained(job, events, self._troubles())
                self._add([*audit_events(job, events), *found])
            if not self.watcher.ended(job):
                continue
            if job not in self.ended_at:
                self.ended_at[job] = events[-1].at
                self._tell(job)
            if time.time() - self.ended_at[job] > SETTLING_SECONDS:
                self._judge(job)
        self._raise_the_fallen()
        quiet = time.time() - max(self.watcher.newest(), self._last_strike())
        if self._waiting() and quiet > STANDSTILL_SECONDS:
            self._add([Finding("lost", "", f"nothing has happened to any job for {quiet:.0f} s")])

    def _last_strike(self) -> float:
        now = time.time()
        return max((strike.over or now for strike in self.strikes), default=now)

    def _tell(self, job: str) -> None:
        last = self.watcher.of(job)[-1]
        say(f"job {job} {self._name(job)}: {last.type} in attempt {last.attempt}")

    def _raise_the_fallen(self) -> None:
        for member in self.rig.members:
            if member.lock.acquire(blocking=False):
                try:
                    member.raise_the_fallen()
                finally:
                    member.lock.release()
            self._add([Finding("ended", "", fall) for fall in member.falls])

    def _let_all_end(self) -> None:
        """Wait until every job has ended and was judged, or nothing happens any more."""
        while not self._pause(0.5):
            if all(job in self.judged for job in self.watcher.jobs()):
                return
            if any(finding.text.startswith("nothing has happened") for finding in self.findings):
                return

    def _let_workers_be_ready(self) -> None:
        """So that each holds its lease when it is told to leave, and nobody's else still stands."""
        end = time.monotonic() + READY_SECONDS
        gone = self._last_strike() + LEASE_SECONDS + 1.0
        while time.time() < gone or not all(member.ready() for member in self.rig.members):
            if self._pause(0.2) or time.monotonic() > end:
                return

    # -- the judgement --------------------------------------------------------------------

    def _found_the_planted(self) -> bool:
        return self.planted is not None and self.planted.among(self.findings) is not None

    def _troubles(self) -> list[Trouble]:
        return troubles(self.strikes, time.time())

    def _measure(self, began: float) -> None:
        """For how long each worker was left in peace, and which faults had others look on."""
        now, names = time.time(), [member.name for member in self.rig.members]
        self.undisturbed = {
            name: undisturbed_seconds(name, self._troubles(), began, now) for name in names
        }
        self.bounded = [s for s in self.strikes if must_be_handed_back(s, self.strikes, names)]

    def _judge(self, job: str) -> None:
        try:
            record: Any = self.rig.redis.hgetall(job_key(job))
        except redis.RedisError:
            return
        name = self._name(job)
        self.judged[job] = record.get("state", "none")
        folder = self.rig.volume.folder / "jobs" / job
        found = audit_job(
            job,
            record,
            self.watcher.of(job),
            folder,
            self.references[reference_of(name)],
            may_be_cancelled=name in self.workload.cancelled,
        )
        events, met = self.watcher.of(job), self._troubles()
        found += audit_unexplained(job, events, met)
        if answer := self.workload.answers.get(job):
            found += audit_cancellation(job, answer, self.judged[job], events, met)
        self._add(found)
        if not found:
            forget(self.rig, job)

    def _judge_the_end(self) -> None:
        if self._found_the_planted():
            return
        self._add([Finding("ended", "", fall) for fall in self.rig.falls])
        self._add(audit_held(self.rig.redis))
        end = time.monotonic() + LEASE_SECONDS + 2
        groups = self.rig.process_groups
        left = audit_end(self.rig.redis, self.rig.volume.folder, groups)
        while left and time.monotonic() < end:
            time.sleep(0.5)
            left = audit_end(self.rig.redis, self.rig.volume.folder, groups)
        self._add(left)
        self._add(audit_acknowledged(self.workload.acknowledged, self.watcher.jobs()))
        for strike in self.bounded:
            if hit := strike.hit:
                events = self.watcher.of(hit.job)
                self._add(audit_handing_back(hit.job, hit.attempt, strike.begun, events))
        for job in self.watcher.jobs():
            state = str(self.rig.redis.hget(job_key(job), "state"))
            if job not in self.judged:
                self._add([Finding("lost", job, f"has not ended: {state}")])
            elif state != self.judged[job]:
                text = f"was {self.judged[job]} when it was judged, and is {state} now"
                self._add([Finding("doubled", job, text)])
            self._add(audit_events(job, self.watcher.of(job)))

    def _add(self, found: Sequence[Finding]) -> None:
        for finding in found:
            if str(finding) not in self._told:
                self._told.add(str(finding))
                self.findings.append(finding)
                say(f"FOUND {finding}")

    def _name(self, job: str) -> str:
        if job not in self._names:
            self._names[job] = str(self.rig.redis.hget(job_key(job), "name"))
        return self._names[job]
