"""What a worker's reaper does about jobs and messages, on a real Redis."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from fitq_shared.attempts import Attempts
from fitq_shared.celery_app import make_app
from fitq_shared.changes import Changes
from fitq_shared.lease import Lease
from fitq_shared.queues import queue_for
from fitq_shared.record import Attempt, JobRecord
from fitq_shared.record_keys import RUNNING
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.settings import Settings
from fitq_shared.specs.describe import DescribeJob
from fitq_worker import flags, stuck_jobs
from fitq_worker.identity import Identity
from fitq_worker.leaving import Leaving
from fitq_worker.reaper import Reaper
from support.waiting import wait_until

pytestmark = pytest.mark.services

Start = Callable[..., Reaper]


@pytest.fixture(autouse=True)
def fresh_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker whose child has said nothing, until the test is over."""
    monkeypatch.setattr(flags, "_FLAGS", bytearray(flags._SIZE))


@pytest.fixture
def records(redis: Redis) -> Records:
    return Records(redis)


@pytest.fixture
def start(settings: Settings, identity: Identity) -> Iterator[Start]:
    """Start the reaper of a worker with a lease of so many seconds."""
    started: list[Reaper] = []

    def begin(lease_seconds: float = 1.0, **changes: Any) -> Reaper:
        own = replace(settings, lease_seconds=lease_seconds, **changes)
        reaper = Reaper(make_app(own), own, identity, Leaving())
        reaper.start()
        started.append(reaper)
        return reaper

    yield begin
    for reaper in started:
        reaper.stop()


@pytest.fixture
def run(redis: Redis, records: Records) -> Callable[..., Attempt]:
    """Let a job run on a worker: a new job, or the record given."""

    def claim(token: str = "other", record: JobRecord | None = None) -> Attempt:
        record = record or created(records)
        lease = Lease(redis, f"cpu:{token}", token, 600)
        assert lease.acquire()
        attempt = Attempts(records).claim(
            *(record.id, record.attempt, record.spec_hash, lease),
            worker=token,
            device_name="d",
            threads=2,
        )
        assert isinstance(attempt, Attempt)
        return attempt

    return claim


def created(records: Records) -> JobRecord:
    return records.create(DescribeJob(name="one", owner="tester", dataset="mnist"))


def lose_lease(redis: Redis, token: str = "other") -> None:
    redis.delete(f"fitq:lease:cpu:{token}")


def see_a_look(records: Records, redis: Redis) -> None:
    """Return when a reaper has done all its duties once more: sending lost messages is the last."""
    record = created(records)
    redis.hset(f"fitq:job:{record.id}", "sent", "1.0")
    redis.zadd("fitq:front:" + queue_for("any"), {record.id: 1.0})
    wait_until(lambda: records.get(record.id).sent > 1.0, 20, "a reaper's look")


def test_a_job_whose_worker_is_gone_is_queued_again(
    redis: Redis, records: Records, start: Start, run: Callable[..., Attempt]
) -> None:
    # Given a job whose worker does not renew its lease any more
    attempt = run()
    lose_lease(redis)
    # When another worker's reaper has looked for long enough
    start()
    # Then it is queued again, and its message is there
    wait_until(lambda: records.get(attempt.job_id).state == "queued", 20, "the next attempt")
    record = records.get(attempt.job_id)
    assert (record.attempt, record.losses) == (2, 1)
    wait_until(lambda: redis.llen(record.queue) == 1, 20, "its message")


def test_a_new_reaper_lets_those_who_live_renew_their_leases_first(
    redis: Redis, records: Records, start: Start, run: Callable[..., Attempt]
) -> None:
    """It starts when Redis comes back after an outage that was longer than the lease."""
    # Given a job whose worker lives, and could not renew its lease
    attempt = run()
    lose_lease(redis)
    # When another worker's reaper starts, and has looked at all jobs
    start(lease_seconds=600.0)
    see_a_look(records, redis)
    # Then the job is not taken
    assert records.get(attempt.job_id).state == "running"


# -- jobs that Redis has running on this worker ------------------------------------------------


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for the one that runs the jobs."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    monkeypatch.setattr(flags, "child_pid", lambda: process.pid)
    yield process
    process.kill()
    process.communicate(timeout=20)


def test_a_job_that_is_not_in_hand_any_more_is_queued_again(
    records: Records, start: Start, run: Callable[..., Attempt], identity: Identity
) -> None:
    """Its worker lives, and a failover has made Redis forget how it ended."""
    # Given a job that Redis has running here, and another one that is in hand
    forgotten, other = run(identity.token), run(identity.token)
    with flags.in_hand(other.job_id, other.number):
        # When the reaper looks
        start()
        # Then the first is queued again, after a pause, and no worker is blamed
        wait_until(lambda: records.get(forgotten.job_id).state == "queued", 20, "the next attempt")
        record = records.get(forgotten.job_id)
        assert (record.attempt, record.losses, record.faults) == (2, 0, 1)
        # And the other one goes on
        assert Attempts(records).order(other) == "go-on"


def test_cancelled_jobs_that_are_not_in_hand_end_without_harm_to_the_one_that_is(
    records: Records,
    start: Start,
    run: Callable[..., Attempt],
    identity: Identity,
    child: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given two jobs of which Redis has forgotten that they ended here, and one in hand
    monkeypatch.setattr(stuck_jobs, "PATIENCE_SECONDS", 0.0)
    forgotten, in_hand = [run(identity.token) for _ in range(2)], run(identity.token)
    with flags.in_hand(in_hand.job_id, in_hand.number):
        # When they are cancelled
        for attempt in forgotten:
            Changes(records).cancel(records.get(attempt.job_id))
        start()
        for attempt in forgotten:
            wait_until(lambda a=attempt: records.get(a.job_id).ended, 20, "the end")  # type: ignore[misc]
        # Then both are, and the child goes on with the third
        assert [records.get(a.job_id).state for a in forgotten] == ["cancelled"] * 2
        assert child.poll() is None
        assert Attempts(records).order(in_hand) == "go-on"


# -- what goes wrong holds up nothing else -----------------------------------------------------


def test_a_record_that_is_none_hides_no_other(
    redis: Redis, records: Records, start: Start, run: Callable[..., Attempt]
) -> None:
    # Given an orphan, and before it among the running jobs a key of another type
    attempt = run()
    lose_lease(redis)
    redis.set("fitq:job:none", "text")
    redis.zadd(RUNNING, {"none": 0.0})
    # When a reaper looks, Then the orphan is queued again
    start()
    wait_until(lambda: records.get(attempt.job_id).state == "queued", 20, "the next attempt")


def test_one_duty_that_fails_leaves_the_others(
    redis: Redis, records: Records, start: Start
) -> None:
    # Given running jobs that cannot be read at all
    redis.set(RUNNING, "text")
    start()
    # When a message is lost, Then it is sent again
    see_a_look(records, redis)


def test_while_redis_is_full_nobody_is_taken_for_lost(
    redis: Redis, records: Records, run: Callable[..., Attempt], start: Start
) -> None:
    # Given a reaper that would take a job whose lease is gone, and a Redis that takes no writes
    reaper = start()
    first = run()
    redis.delete("fitq:lease:cpu:other")
    wait_until(lambda: records.get(first.job_id).attempt == 2, 30, "a reaper that takes jobs")
    redis.config_set("maxmemory", "1")
    try:
        wait_until(lambda: not reaper._contact.settled, 30, "a reaper that was refused")
    finally:
        redis.config_set("maxmemory", "0")
