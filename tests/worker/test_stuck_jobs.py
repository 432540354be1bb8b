from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fitq_shared.attempts import Attempts
from fitq_shared.changes import Changes
from fitq_shared.lease import Lease
from fitq_shared.record import Attempt, JobRecord, Reason
from fitq_shared.record_keys import job_key
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.specs.train import TrainJob
from fitq_worker import flags, stuck_jobs
from fitq_worker.identity import Identity
from fitq_worker.stuck_jobs import PATIENCE_SECONDS, StuckJobs
from support.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(stuck_jobs, "time", made)
    return made


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, redis: Redis) -> list[str]:
    """The state of the job each time that its process was ended."""
    states: list[str] = []

    def end() -> None:
        states.extend(record.state for record in Records(redis).all())

    monkeypatch.setattr(stuck_jobs, "end_child", end)
    return states


@pytest.fixture
def stuck(redis: Redis, clock: Clock, ended: list[str]) -> StuckJobs:
    return StuckJobs(Attempts(Records(redis)))


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Iterator[contextlib.ExitStack]:
    """What the child has in hand until this is closed."""
    monkeypatch.setattr(flags, "_FLAGS", bytearray(flags._SIZE))
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def running(redis: Redis, identity: Identity, hand: contextlib.ExitStack) -> Callable[..., Attempt]:
    """Let a job run here that began so many seconds ago: a new one, or one that is queued."""

    def run(since: float = 0.0, queued: str | None = None, **changes: Any) -> Attempt:
        records = Records(redis)
        values = {"name": "one", "owner": "tester", "dataset": "mnist", "model": "mlp"}
        record = (
            records.get(queued) if queued else records.create(TrainJob.parse({**values, **changes}))
        )
        lease = Lease(redis, identity.resource, identity.token, 600)
        assert lease.acquire()
        who = {"worker": identity.name, "device_name": "d", "threads": 2}
        attempt = Attempts(records).claim(record.id, record.attempt, record.spec_hash, lease, **who)
        assert isinstance(attempt, Attempt)
        started = records.get(record.id).started or 0.0
        redis.hset(job_key(record.id), "started", f"{started - since:.6f}")
        hand.enter_context(flags.in_hand(attempt.job_id, attempt.number))
        return attempt

    return run


def record_of(redis: Redis, attempt: Attempt) -> JobRecord:
    return Records(redis).get(attempt.job_id)


def test_a_job_that_was_told_nothing_is_left_alone(
    redis: Redis, stuck: StuckJobs, clock: Clock, ended: list[str], running: Callable[..., Attempt]
) -> None:
    attempt = running(since=10_000)
    for _ in range(3):
        stuck.look_at(record_of(redis, attempt))
        clock.now += 10 * PATIENCE_SECONDS
    assert record_of(redis, attempt).state == "running"
    assert ended == []


def test_a_job_that_does_not_stop_when_it_is_cancelled_is_ended(
    redis: Redis,
    stuck: StuckJobs,
    clock: Clock,
    ended: list[str],
    running: Callable[..., Attempt],
) -> None:
    # Given a running job that was cancelled
    attempt = running()
    Changes(Records(redis)).cancel(record_of(redis, attempt))
    stuck.look_at(record_of(redis, attempt))
    # When it has had almost the time that it may take, Then it is left to stop by itself
    clock.now += PATIENCE_SECONDS - 0.1
    stuck.look_at(record_of(redis, attempt))
    assert (record_of(redis, attempt).state, ended) == ("running", [])
    # When that time has passed
    clock.now += 0.1
    stuck.look_at(record_of(redis, attempt))
    # Then its record ended first, and then its process
    assert ended == ["cancelled"]
    assert not Attempts(Records(redis)).succeed(attempt, "a" * 64, {})


def test_a_job_that_ran_for_longer_than_it_may_is_ended(
    redis: Redis,
    stuck: StuckJobs,
    clock: Clock,
    ended: list[str],
    running: Callable[..., Attempt],
) -> None:
    # Given a job that may run for a minute, and has run for longer
    attempt = running(since=61, timeout=60)
    stuck.look_at(record_of(redis, attempt))
    assert ended == []
    # When it has not stopped by itself
    clock.now += PATIENCE_SECONDS
    stuck.look_at(record_of(redis, attempt))
    # Then it has failed, and its owner reads why and how to go on
    assert ended == ["failed"]
    reason = record_of(redis, attempt).reason
    assert reason is not None
    assert (reason.kind, "timeout of 60 s" in reason.message) == ("timeout", True)
    assert "fitq retry one" in reason.hint


def test_a_job_within_its_time_is_left_alone(
    redis: Redis, stuck: StuckJobs, clock: Clock, ended: list[str], running: Callable[..., Attempt]
) -> None:
    attempt = running(since=30, timeout=3600)
    for _ in range(3):
        stuck.look_at(record_of(redis, attempt))
        clock.now += PATIENCE_SECONDS
    assert ended == []


def test_what_earlier_attempts_ran_counts(
    redis: Redis, stuck: StuckJobs, clock: Clock, ended: list[str], running: Callable[..., Attempt]
) -> None:
    # Given a job that may run for a minute, and was given back after most of it
    first = running(since=50, timeout=60)
    Attempts(Records(redis)).give_back(first, Reason("drain", "left"), counts="")
    # When its second attempt has run for most of a minute, too, and does not stop
    attempt = running(since=50, queued=first.job_id)
    stuck.look_at(record_of(redis, attempt))
    clock.now += PATIENCE_SECONDS
    stuck.look_at(record_of(redis, attempt))
    # Then it is ended
    assert ended == ["failed"]


def test_patience_is_counted_for_each_attempt_anew(
    redis: Redis, stuck: StuckJobs, clock: Clock, ended: list[str], running: Callable[..., Attempt]
) -> None:
    # Given a job that was cancelled, and stopped in time
    records = Records(redis)
    first = running()
    Changes(records).cancel(record_of(redis, first))
    stuck.look_at(record_of(redis, first))
    clock.now += PATIENCE_SECONDS - 1
    Attempts(records).cancelled(first)
    # When the next job here is cancelled, long after
    second = running()
    clock.now += 100
    Changes(records).cancel(record_of(redis, second))
    stuck.look_at(record_of(redis, second))
    # Then it has its full time
    assert ended == []
    clock.now += PATIENCE_SECONDS - 1
    stuck.look_at(record_of(redis, second))
    assert ended == []


def test_a_job_that_ends_at_the_last_moment_keeps_its_child(
    redis: Redis, stuck: StuckJobs, clock: Clock, ended: list[str], running: Callable[..., Attempt]
) -> None:
    """The child may have the next job by then."""
    # Given a cancelled job, as the reaper has read its record
    attempt = running()
    records = Records(redis)
    Changes(records).cancel(record_of(redis, attempt))
    seen = record_of(redis, attempt)
    stuck.look_at(seen)
    clock.now += PATIENCE_SECONDS
    # When it has succeeded meanwhile, and the reaper acts on what it has read
    Attempts(records).succeed(attempt, "a" * 64, {})
    stuck.look_at(seen)
    # Then nothing is ended
    assert ended == []
    assert record_of(redis, attempt).state == "succeeded"


def test_a_job_that_obeys_at_the_last_moment_keeps_its_child(
    redis: Redis,
    stuck: StuckJobs,
    clock: Clock,
    ended: list[str],
    running: Callable[..., Attempt],
    hand: contextlib.ExitStack,
) -> None:
    # Given a cancelled job, as the reaper has read its record
    attempt = running()
    records = Records(redis)
    Changes(records).cancel(record_of(redis, attempt))
    seen = record_of(redis, attempt)
    stuck.look_at(seen)
    clock.now += PATIENCE_SECONDS
    # When it stops by itself meanwhile, and the child takes the next one
    Attempts(records).cancelled(attempt)
    hand.close()
    following = running()
    stuck.look_at(seen)
    # Then the child goes on with that
    assert ended == []
    assert Attempts(records).order(following) == "go-on"
