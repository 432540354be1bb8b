"""Any calls in any order, from workers that come late and reapers that are wrong, on a real Redis.

A few lines of Python say what should come of each call; after each step, what Redis keeps must
be just that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fitq_shared.attempts import FAULT_LIMIT, Attempts
from fitq_shared.changes import Changes
from fitq_shared.events import events_key
from fitq_shared.lanes import Lanes
from fitq_shared.lease import Lease
from fitq_shared.lost_messages import without_message
from fitq_shared.new_job import NewJob, new_id
from fitq_shared.queues import LANES, Needs, QueueName, lanes_of
from fitq_shared.record import Attempt, JobRecord, Reason
from fitq_shared.record_keys import (
    DELAYED,
    JOBS,
    QUEUES,
    RUNNING,
    UNSETTLED,
    front_key,
    job_key,
    queued_key,
)
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.snapshots import to_be_restored
from fitq_shared.specs.train import TrainJob
from support.fuzzing import few_and_many

pytestmark = pytest.mark.services

WORKERS = ("amber", "blue", "cyan")
# Mostly who runs an attempt, sometimes a worker that believes another's to be its own.
BELIEVERS = st.sampled_from([None, None, None, *WORKERS])
LOSS_LIMIT = 3
KEPT = (
    *("state", "attempt", "first_attempt", "token", "threads", "losses", "faults", "cancel"),
    *("reason", "manifest", "after", "released"),
)
NEEDS = ({}, {"device": "cpu", "priority": "high"}, {"gpus": 2, "min_gpu_memory": "20GiB"})
OWNERS = ("ann", "bob", "cat")
EVERYWHERE = (
    *lanes_of("any", "normal"),
    *lanes_of("cpu", "high"),
    *lanes_of("2gpu-20g", "normal"),
)
SETS = (*map(queued_key, EVERYWHERE), *map(front_key, EVERYWHERE), DELAYED, RUNNING, JOBS)


@dataclass
class Job:
    """What should be known of a job. `place` names the one sorted set that it is in."""

    id: str
    queue: str
    owner: str
    spec_hash: str
    place: str | None
    state: str = "queued"
    attempt: int = 1
    first_attempt: int = 1
    token: str | None = None
    threads: int | None = None
    losses: int = 0
    faults: int = 0
    cancel: bool = False
    overdue: bool = False
    sent: int = 1
    reason: Reason | None = None
    manifest: str | None = None
    forgotten: bool = False
    after: tuple[str, ...] = ()
    released: bool = False
    given_back: Attempt | None = None
    events: list[tuple[str, int]] = field(default_factory=lambda: [("queued", 1)])

    @property
    def ended(self) -> bool:
        return self.state in ("succeeded", "failed", "cancelled")

    def runs_as(self, attempt: Attempt) -> bool:
        held = (self.state, self.attempt, self.token)
        return not self.forgotten and held == ("running", attempt.number, attempt.token)

    @property
    def waits(self) -> bool:
        return not self.forgotten and self.place in (front_key(self.queue), queued_key(self.queue))

    def end(self, state: str) -> None:
        self.state, self.place, self.overdue = state, None, False
        self.events.append((state, self.attempt))

    def send(self, place: str) -> None:
        self.place, self.sent, self.overdue = place, self.sent + 1, False


@dataclass(frozen=True)
class Seen:
    """A record as somebody read it, and how often the job had been sent by then."""

    record: JobRecord
    sent: int


class RecordsMachine(RuleBasedStateMachine):
    """Drives `Records`, `Attempts` and `Changes`, and says what should come of each call."""

    jobs = Bundle("jobs")
    seen = Bundle("seen")
    attempts = Bundle("attempts")

    def __init__(self, redis: Redis) -> None:
        super().__init__()
        redis.flushdb()
        self.redis = redis
        self.records = Records(redis)
        self.workers = Attempts(self.records, LOSS_LIMIT)
        self.changes = Changes(self.records)
        self.known: dict[str, Job] = {}
        self.leases = {name: Lease(redis, f"cpu:{name}", name, 3600) for name in WORKERS}
        self.holding: set[str] = set()
        self.highest: dict[str, int] = {}
        self.unsettled: set[str] = set()

    @initialize(target=jobs, needs=st.lists(st.sampled_from(NEEDS), min_size=2, max_size=3))
    def begin(self, needs: list[Any]) -> Any:
        for worker in WORKERS:
            self.hold(worker)
        return multiple(*(self.create(need, "one", "ann") for need in needs))

    # -- leases -------------------------------------------------------------------------------

    @rule(worker=st.sampled_from(WORKERS))
    def hold(self, worker: str) -> None:
        if worker not in self.holding:
            self.redis.delete(self.leases[worker].key)
        assert self.leases[worker].acquire()
        self.holding.add(worker)

    @rule(worker=st.sampled_from(WORKERS), taken=st.booleans())
    def lose_lease(self, worker: str, taken: bool) -> None:
        key = self.leases[worker].key
        self.redis.delete(key)
        self.holding.discard(worker)
        if taken:
            self.redis.set(key, "somebody else")

    # -- making and reading -------------------------------------------------------------------

    @precondition(lambda self: len(self.known) < 6)
    @rule(
        target=jobs,
        need=st.sampled_from(NEEDS),
        name=st.sampled_from(["one", "two"]),
        owner=st.sampled_from(OWNERS),
    )
    def create(self, need: Any, name: str, owner: str) -> Job:
        spec = TrainJob.parse(
            {"name": name, "owner": owner, "dataset": "mnist", "model": "mlp", **need}
        )
        record = self.records.create(spec)
        job = Job(record.id, record.queue, owner, spec.digest(), queued_key(record.queue))
        self.check_lane(job, spec.needs, spec.priority)
        self.known[job.id] = job
        return job

    @precondition(lambda self: len(self.known) < 6)
    @rule(
        target=jobs,
        before=st.lists(jobs, min_size=1, max_size=2, unique_by=lambda job: job.id),
        owner=st.sampled_from(OWNERS),
    )
    def create_after(self, before: list[Job], owner: str) -> Job:
        """A job that comes after others, which may have ended or be gone by now."""
        values = {"name": "three", "owner": owner, "dataset": "mnist", "model": "mlp"}
        new = NewJob(new_id(), TrainJob.parse(values), tuple(job.id for job in before))
        [record] = self.records.create_all([new], lambda _: None)
        job = Job(record.id, record.queue, owner, new.spec.digest(), None, "waiting")
        job.after, job.events = new.after, [("waiting", 1)]
        self.known[job.id] = job
        self.unsettled.add(job.id)
        return job

    def tell_those_behind(self, job: Job) -> None:
        there = [one for one in self.known.values() if not one.forgotten]
        self.unsettled |= {one.id for one in there if job.id in one.after}

    @rule(job=jobs)
    def settle(self, job: Job) -> None:
        """Whoever looks at a job that comes after others, with reason or without."""
        expected = self._settle(job)
        assert self.changes.settle(job.id) == expected
        if expected == "released":
            job.queue = self.records.get(job.id).queue
            job.place, job.sent = queued_key(job.queue), job.sent + 1

    def _settle(self, job: Job) -> str:
        self.unsettled.discard(job.id)
        if job.forgotten:
            return "unknown"
        stopped = job.state in ("failed", "cancelled") and (
            job.reason is not None and job.reason.kind == "after"
        )
        if job.state != "waiting" and not stopped:
            return job.state
        before = [self.known[one] for one in job.after]
        bad = [one for one in before if one.forgotten or one.state in ("failed", "cancelled")]
        if bad and stopped:
            return job.state
        if bad:
            failed = any(one.forgotten or one.state == "failed" for one in bad)
            job.end("failed" if failed else "cancelled")
            job.reason = self.reason_after(bad, failed)
            self.tell_those_behind(job)
            return job.state
        if stopped:
            job.state, job.attempt, job.reason = "waiting", job.attempt + 1, None
            job.events.append(("waiting", job.attempt))
            self.tell_those_behind(job)
        if any(one.state != "succeeded" for one in before):
            return "waiting"
        job.state, job.released = "queued", True
        job.events.append(("queued", job.attempt))
        return "released"

    def reason_after(self, bad: list[Job], failed: bool) -> Reason:
        """As settle.lua says it: of the last that stops it, a failure before a cancellation."""
        told: Reason | None = None
        state = ""
        for one in bad:
            if one.forgotten:
                told = Reason("after", f"after {one.id}, which was removed", "submit it again")
                state = "failed"
            elif one.state == "failed" or (one.state == "cancelled" and not state):
                state = one.state
                told = one.reason
                if told is None or told.kind != "after":
                    said = f": {told.message}" if told else ""
                    what = ("failed" if state == "failed" else "was cancelled") + said
                    name = self.records.get(one.id).name
                    hint = f"go on from there with `fitq retry {name}`"
                    told = Reason("after", f"after {name}, which {what}", hint)
        assert told is not None
        assert failed == (state == "failed")
        return told

    def check_lane(self, job: Job, needs: Needs, priority: str) -> None:
        """Fewer owners than lanes: no new job comes behind those of another owner alone."""
        name = QueueName.parse(job.queue)
        assert (name.need, name.priority) == (needs.name, priority)
        there = [one for one in self.known.values() if one is not job and one.waits]
        beside = {one.owner for one in there if one.queue == job.queue}
        empty = len({one.queue for one in there if one.queue in lanes_of(*name.group)}) < len(LANES)
        assert not (empty and beside) or job.owner in beside

    @rule(target=seen, job=jobs)
    def read(self, job: Job) -> Any:
        if job.forgotten:
            return multiple()
        record = self.records.get(job.id)
        assert JobRecord.from_fields(record.to_fields()) == record
        return Seen(record, job.sent)

    # -- workers ------------------------------------------------------------------------------

    @rule(
        target=attempts,
        job=jobs,
        worker=st.sampled_from(WORKERS),
        # Mostly the message that was sent, sometimes one of another attempt or spec.
        off=st.sampled_from([0, 0, 0, 0, 0, -1, 1]),
        altered=st.sampled_from([False, False, False, False, True]),
        threads=st.integers(1, 8),
    )
    def claim(self, job: Job, worker: str, off: int, altered: bool, threads: int) -> Any:
        number = job.attempt + off
        expected = self._claim(job, number, worker, altered, threads)
        answer = self.workers.claim(
            *(job.id, number, "f" * 64 if altered else job.spec_hash, self.leases[worker]),
            worker=worker,
            device_name="2 cores",
            threads=threads,
        )
        attempt = Attempt(job.id, number, worker)
        assert answer == (attempt if expected == "claimed" else expected)
        return attempt if expected == "claimed" else multiple()

    def _claim(self, job: Job, number: int, worker: str, altered: bool, threads: int) -> str:
        if job.runs_as(Attempt(job.id, number, worker)):
            return "claimed"
        if job.forgotten or job.state != "queued" or number != job.attempt:
            return "stale"
        if altered:
            return "altered"
        if job.place == DELAYED:
            return "early"
        if worker not in self.holding:
            return "no-lease"
        job.state, job.place, job.token = "running", RUNNING, worker
        job.threads = job.threads or threads
        job.events.append(("started", number))
        return "claimed"

    @rule(target=attempts, job=jobs, worker=st.sampled_from(WORKERS))
    def run(self, job: Job, worker: str) -> Any:
        """All as it should be: a worker that holds its device takes the message that was sent."""
        self.hold(worker)
        return self.claim(job, worker, 0, False, 2)

    @rule(target=seen, job=jobs, reason=st.sampled_from(["due", "lost"]))
    def wake(self, job: Job, reason: str) -> Any:
        """A reaper that has just looked sends what is due, or what has lost its message."""
        if job.forgotten:
            return multiple()
        one = Seen(self.records.get(job.id), job.sent)
        if reason == "due":
            self.let_it_be_due(job)
        self.resend(one)
        return one

    def ask(self, attempt: Attempt) -> None:
        job = self.known[attempt.job_id]
        expected = "outdated"
        if job.runs_as(attempt):
            expected = "cancel" if job.cancel else "go-on"
        assert self.workers.order(attempt) == expected

    @rule(
        attempt=attempts,
        state=st.sampled_from(["succeeded", "failed", "cancelled"]),
        sum_=st.sampled_from("abc"),
        believer=BELIEVERS,
    )
    def end(self, attempt: Attempt, state: str, sum_: str, believer: str | None = None) -> None:
        attempt = replace(attempt, token=believer or attempt.token)
        job = self.known[attempt.job_id]
        self.ask(attempt)
        held = (job.state, job.attempt, job.token) == (state, attempt.number, attempt.token)
        expected = job.runs_as(attempt) or (held and not job.forgotten)
        reason = Reason("bad-job", f"the loss is {sum_}")
        if job.runs_as(attempt):
            job.end(state)
            self.tell_those_behind(job)
            job.manifest = sum_ * 64 if state == "succeeded" else None
            job.reason = reason if state == "failed" else None
        answer = {
            "succeeded": lambda: self.workers.succeed(attempt, sum_ * 64, {"loss": 1.0}),
            "failed": lambda: self.workers.fail(attempt, reason),
            "cancelled": lambda: self.workers.cancelled(attempt),
        }[state]()
        assert answer is expected

    @rule(
        attempt=attempts,
        counts=st.sampled_from(["lost", "fault", ""]),
        guarded=st.booleans(),
        believer=BELIEVERS,
    )
    def give_back(
        self, attempt: Attempt, counts: Any, guarded: bool, believer: str | None = None
    ) -> None:
        attempt = replace(attempt, token=believer or attempt.token)
        job = self.known[attempt.job_id]
        reason = Reason("worker-lost", f"{attempt.token} is gone")
        expected = self._give_back(job, attempt, counts, guarded, reason)
        guard = self.leases[attempt.token].key if guarded else None
        answer = self.workers.give_back(attempt, reason, counts=counts, unless_leased=guard)
        assert answer == expected

    def _give_back(
        self, job: Job, attempt: Attempt, counts: str, guarded: bool, reason: Reason
    ) -> str:
        if not job.runs_as(attempt):
            return self._given_back_before(job, attempt)
        if guarded and attempt.token in self.holding:
            return "alive"
        job.token, job.given_back = None, attempt
        job.losses += counts == "lost"
        job.faults += counts == "fault"
        if job.cancel:
            job.end("cancelled")
            self.tell_those_behind(job)
            return "cancelled"
        if job.losses >= LOSS_LIMIT or job.faults >= FAULT_LIMIT:
            job.end("failed")
            self.tell_those_behind(job)
            job.reason = reason
            return "failed"
        waits = counts == "fault" or (counts == "lost" and job.losses > 1)
        job.events.append(("requeued", job.attempt))
        job.state, job.attempt = "queued", job.attempt + 1
        job.send(DELAYED if waits else front_key(job.queue))
        return "delayed" if waits else "queued"

    def _given_back_before(self, job: Job, attempt: Attempt) -> str:
        """What is said to one who asks again: what has become of it, unless it runs already."""
        if job.forgotten or job.given_back != attempt:
            return "stale"
        if job.state == "queued" and job.attempt == attempt.number + 1:
            return "delayed" if job.place == DELAYED else "queued"
        return job.state if job.attempt == attempt.number else "stale"

    # -- owners -------------------------------------------------------------------------------

    @rule(one=seen)
    def cancel(self, one: Seen) -> None:
        job = self.known[one.record.id]
        expected = "unknown" if job.forgotten else job.state
        if expected in ("waiting", "queued"):
            job.cancel = True
            job.end("cancelled")
            self.tell_those_behind(job)
            expected = "cancelled"
        elif expected == "running":
            job.cancel = True
            expected = "stopping"
        assert self.changes.cancel(one.record) == expected

    @rule(one=seen, fresh=st.booleans())
    def retry(self, one: Seen, fresh: bool) -> None:
        job = self.known[one.record.id]
        before = job.attempt
        expected = self._retry(job, one.record.attempt, fresh)
        assert self.changes.retry(one.record, fresh=fresh) == expected
        if job.attempt > before:
            record = self.records.get(job.id)
            job.queue = record.queue
            if job.state == "queued":
                self.check_lane(job, record.needs, record.priority)
                job.send(queued_key(job.queue))

    def _retry(self, job: Job, known_attempt: int, fresh: bool) -> str:
        if job.forgotten:
            return "stale"
        if job.state in ("waiting", "queued") and job.attempt == known_attempt + 1:
            return "retried"
        if job.attempt != known_attempt:
            return "stale"
        if job.state not in ("failed", "cancelled"):
            return job.state
        waits = bool(job.after) and not job.released
        job.state, job.attempt, job.token = "waiting" if waits else "queued", job.attempt + 1, None
        self.tell_those_behind(job)
        if waits:
            self.unsettled.add(job.id)
        job.losses = job.faults = 0
        job.cancel, job.reason, job.manifest = False, None, None
        if fresh:
            job.threads, job.first_attempt = None, job.attempt
        job.events.append((job.state, job.attempt))
        return "retried"

    @rule(target=seen, job=jobs, act=st.sampled_from(["cancel", "retry", "retry", "fresh"]))
    def decide(self, job: Job, act: str) -> Any:
        """An owner who has just looked."""
        if job.forgotten:
            return multiple()
        one = Seen(self.records.get(job.id), job.sent)
        if act == "cancel":
            self.cancel(one)
        else:
            self.retry(one, fresh=act == "fresh")
        return one

    @rule(one=consumes(seen))
    def forget(self, one: Seen) -> None:
        job = self.known[one.record.id]
        as_seen = job.ended and job.attempt == one.record.attempt
        expected = "forgotten" if job.forgotten or as_seen else job.state
        if expected == "forgotten" and not job.forgotten:
            job.forgotten = True
            self.tell_those_behind(job)
            self.unsettled.discard(job.id)
        assert self.records.forget(one.record) == expected

    @rule(one=seen)
    def restore_what_is_there(self, one: Seen) -> None:
        """`fitq reindex` while all is well, with a copy as old as it may be."""
        if not self.known[one.record.id].forgotten:
            assert self.records.restore(to_be_restored(one.record)) is False

    # -- reapers ------------------------------------------------------------------------------

    @rule(one=seen)
    def resend(self, one: Seen) -> None:
        job = self.known[one.record.id]
        known = job.attempt == one.record.attempt and job.sent == one.sent
        expected = known and job.state == "queued" and not job.forgotten
        if expected:
            job.send(front_key(job.queue))
        assert self.changes.may_resend(one.record) is expected

    def let_it_be_due(self, job: Job) -> None:
        if job.place == DELAYED and not job.forgotten:
            self.redis.zadd(DELAYED, {job.id: 1.0})
            job.overdue = True

    def reapers_find_all_that_waits(self) -> None:
        """No message was ever sent here: each queued job misses its own, or waits to be due."""
        queues = Lanes(self.redis).queues()
        lost = {r.id for queue in queues for r in without_message(self.records, queue, 0)}
        there = [job for job in self.known.values() if job.state == "queued" and not job.forgotten]
        assert lost == {job.id for job in there if job.place != DELAYED}
        due = {record.id for record in self.records.due()}
        # On a slow machine what was to wait two seconds may be due by itself.
        assert {job.id for job in there if job.overdue} <= due
        assert due <= {job.id for job in there if job.place == DELAYED}

    # -- what must hold after each step -------------------------------------------------------

    @invariant()
    def redis_keeps_what_it_should(self) -> None:
        jobs = list(self.known.values())
        with self.redis.pipeline(transaction=False) as pipe:
            for key in SETS:
                pipe.zrange(key, 0, -1)
            for job in jobs:
                pipe.hgetall(job_key(job.id))
                pipe.xrange(events_key(job.id))
            found: Any = pipe.execute()
        assert self.redis.smembers(UNSETTLED) == self.unsettled
        assert self.redis.smembers(QUEUES) == {job.queue for job in jobs if job.waits}
        self._check_places(dict(zip(SETS, map(set, found), strict=False)))
        for job, fields, entries in zip(
            jobs, found[len(SETS) :: 2], found[len(SETS) + 1 :: 2], strict=True
        ):
            self._check_story(job, [(e["type"], int(e["attempt"])) for _, e in entries])
            assert bool(fields) is not job.forgotten
            if fields:
                self._check_record(job, JobRecord.from_fields(fields))

    def _check_places(self, found: dict[str, set[str]]) -> None:
        """Each job is in the one set of its state, and nobody else is there."""
        there = [job for job in self.known.values() if not job.forgotten]
        assert found.pop(JOBS) == {job.id for job in there}
        assert found == {key: {job.id for job in there if job.place == key} for key in found}

    def _check_story(self, job: Job, told: list[tuple[str, int]]) -> None:
        """Each thing has happened once, and in an order in which it can."""
        assert told == ([] if job.forgotten else job.events)
        assert [kind for kind, _ in told].count("succeeded") <= 1
        started = [number for kind, number in told if kind == "started"]
        assert started == sorted(set(started))

    def _check_record(self, job: Job, record: JobRecord) -> None:
        assert {n: getattr(record, n) for n in KEPT} == {n: getattr(job, n) for n in KEPT}
        assert (record.due is not None) == (job.place == DELAYED)
        assert (record.finished is not None) == record.ended == job.ended
        assert (record.lease is None) == (job.state != "running")
        assert record.attempt >= self.highest.get(job.id, 1)
        self.highest[job.id] = record.attempt

    def teardown(self) -> None:
        """Whatever has happened, each job can be brought to its end."""
        self.reapers_find_all_that_waits()
        for job in self.known.values():
            if job.forgotten or job.ended:
                continue
            self.lose_lease(job.token or "blue", taken=False)
            if job.state == "waiting":
                self.cancel(Seen(self.records.get(job.id), job.sent))
            if job.state == "running":
                orphan = Attempt(job.id, job.attempt, job.token or "")
                self.give_back(orphan, "", guarded=True)
            if job.state != "queued":
                continue
            self.resend(Seen(self.records.get(job.id), job.sent))
            self.hold("amber")
            attempt = self.claim(job, "amber", 0, False, 2)
            self.end(attempt, "succeeded", "a")
            assert self.records.get(job.id).state == "succeeded"
        self.redis_keeps_what_it_should()


@pytest.fixture
def quick_redis(redis: Redis) -> Iterator[Redis]:
    """The empty queue, on a server that does not wait for its disk."""
    before: Any = redis.config_get("appendfsync")
    redis.config_set("appendfsync", "no")
    yield redis
    redis.config_set("appendfsync", before["appendfsync"])


@few_and_many
def test_whatever_is_called_the_records_are_as_they_should_be(
    quick_redis: Redis, cases: Any
) -> None:
    run_state_machine_as_test(lambda: RecordsMachine(quick_redis), settings=cases)
