"""Jobs that come after others: they wait, are let go, stop with those before, and wait again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from fitq_shared.attempts import Attempts
from fitq_shared.changes import Changes
from fitq_shared.new_job import NewJob, new_id
from fitq_shared.record import Attempt, JobRecord, Reason
from fitq_shared.record_keys import job_key
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.snapshots import to_be_restored
from fitq_shared.specs.train import TrainJob

pytestmark = pytest.mark.services

Claim = Callable[[JobRecord], Attempt]


@pytest.fixture
def chain(records: Records, train_job: Callable[..., TrainJob]) -> Callable[..., list[JobRecord]]:
    """Make jobs a, b, c … of which each comes after the one before it, or as `after` says."""

    def make(count: int = 3, after: dict[int, tuple[int, ...]] | None = None) -> list[JobRecord]:
        ids = [new_id() for _ in range(count)]
        before = after or {at: (at - 1,) for at in range(1, count)}
        jobs = [
            NewJob(ids[at], train_job(name="abcdef"[at]), tuple(ids[b] for b in before.get(at, ())))
            for at in range(count)
        ]
        return records.create_all(jobs, lambda job: None)

    return make


@pytest.fixture
def states(records: Records, changes: Changes) -> Callable[..., list[str]]:
    """Settle what is unsettled until nothing is, and say in which states these jobs are then."""

    def settle(*jobs: JobRecord) -> list[str]:
        while unsettled := changes.unsettled():
            for job_id in unsettled:
                changes.settle(job_id)
        return [records.get(job.id).state for job in jobs]

    return settle


def test_a_job_waits_until_the_one_before_it_has_succeeded(
    records: Records,
    changes: Changes,
    attempts: Attempts,
    chain: Callable[..., list[JobRecord]],
    claim: Claim,
) -> None:
    # Given
    a, b, _ = chain()
    assert (a.state, b.state, b.after) == ("queued", "waiting", (a.id,))
    assert changes.settle(b.id) == "waiting"
    # When
    assert attempts.succeed(claim(a), "f" * 64, {})
    # Then it is let go once, and once only
    assert b.id in changes.unsettled()
    assert changes.settle(b.id) == "released"
    assert changes.settle(b.id) == "queued"
    assert records.get(b.id).released
    assert b.id not in changes.unsettled()
    claim(records.get(b.id))


def test_a_job_after_two_waits_for_both(
    attempts: Attempts,
    chain: Callable[..., list[JobRecord]],
    claim: Claim,
    states: Callable[..., list[str]],
) -> None:
    a, b, c = chain(after={2: (0, 1)})
    attempts.succeed(claim(a), "f" * 64, {})
    assert states(a, b, c) == ["succeeded", "queued", "waiting"]
    attempts.succeed(claim(b), "f" * 64, {})
    assert states(c) == ["queued"]


def test_a_failure_stops_all_that_come_after_it_and_says_why(
    records: Records,
    attempts: Attempts,
    chain: Callable[..., list[JobRecord]],
    claim: Claim,
    states: Callable[..., list[str]],
) -> None:
    # Given
    a, b, c = chain()
    # When
    attempts.fail(claim(a), Reason("bad-job", "the loss is NaN"))
    # Then
    assert states(a, b, c) == ["failed"] * 3
    for job in (b, c):
        reason = records.get(job.id).reason
        assert reason is not None
        assert reason.message == "after a, which failed: the loss is NaN"
        assert "fitq retry a" in reason.hint


def test_a_cancelled_job_cancels_those_after_it(
    records: Records,
    changes: Changes,
    chain: Callable[..., list[JobRecord]],
    states: Callable[..., list[str]],
) -> None:
    a, b, c = chain()
    assert changes.cancel(a) == "cancelled"
    assert states(a, b, c) == ["cancelled"] * 3
    reason = records.get(c.id).reason
    assert reason is not None
    assert reason.message == "after a, which was cancelled"


@pytest.mark.parametrize("reason", ["", "no JSON", "null", "[]", '{"message": {"a": 1}}'])
def test_a_reason_that_fitq_has_not_written_stops_those_behind_all_the_same(
    records: Records,
    attempts: Attempts,
    redis: Redis,
    chain: Callable[..., list[JobRecord]],
    states: Callable[..., list[str]],
    claim: Claim,
    reason: str,
) -> None:
    # Given a job that has failed, and somebody who has written to its record
    a, b, c = chain()
    assert attempts.fail(claim(a), Reason("error", "it broke"))
    redis.hset(job_key(a.id), "reason", reason)
    # When those behind it are looked at
    found = states(b, c)
    # Then they have failed, too
    assert found == ["failed", "failed"]
    stopped = records.get(c.id).reason
    assert stopped is not None
    assert stopped.message == "after a, which failed"


def test_a_waiting_job_can_be_cancelled_itself(
    changes: Changes,
    chain: Callable[..., list[JobRecord]],
    states: Callable[..., list[str]],
) -> None:
    a, b, c = chain()
    assert changes.cancel(b) == "cancelled"
    assert states(a, b, c) == ["queued", "cancelled", "cancelled"]


def test_after_a_retry_those_behind_wait_again(
    records: Records,
    changes: Changes,
    attempts: Attempts,
    chain: Callable[..., list[JobRecord]],
    claim: Claim,
    states: Callable[..., list[str]],
) -> None:
    # Given
    a, b, c = chain()
    attempts.fail(claim(a), Reason("bad-job", "the loss is NaN"))
    assert states(a, b, c) == ["failed"] * 3
    # When
    assert changes.retry(records.get(a.id), fresh=False) == "retried"
    # Then
    assert states(a, b, c) == ["queued", "waiting", "waiting"]
    assert records.get(b.id).reason is None
    for job in (a, b, c):
        attempts.succeed(claim(records.get(job.id)), "f" * 64, {})
        states()
    assert states(a, b, c) == ["succeeded"] * 3


def test_what_its_owner_cancelled_does_not_come_back_by_itself(
    records: Records,
    changes: Changes,
    chain: Callable[..., list[JobRecord]],
    states: Callable[..., list[str]],
) -> None:
    a, b, c = chain()
    changes.cancel(c)
    changes.cancel(a)
    states()
    changes.retry(records.get(a.id), fresh=False)
    assert states(a, b, c) == ["queued", "waiting", "cancelled"]


def test_a_retried_job_waits_for_what_has_not_succeeded(
    records: Records,
    changes: Changes,
    chain: Callable[..., list[JobRecord]],
    states: Callable[..., list[str]],
) -> None:
    _, b, c = chain()
    changes.cancel(b)
    states()
    assert changes.retry(records.get(b.id), fresh=False) == "retried"
    assert states(b, c) == ["waiting", "waiting"]
    assert changes.retry(replace(b, attempt=1), fresh=False) == "retried"


def test_a_job_behind_one_that_was_removed_fails(
    records: Records, chain: Callable[..., list[JobRecord]], states: Callable[..., list[str]]
) -> None:
    a, b = chain(2)
    records.redis.delete(f"fitq:job:{a.id}")
    records.redis.sadd("fitq:unsettled", b.id)
    assert states(b) == ["failed"]
    reason = records.get(b.id).reason
    assert reason is not None
    assert reason.message == f"after {a.id}, which was removed"


def test_forgetting_leaves_nothing_behind(
    records: Records,
    changes: Changes,
    chain: Callable[..., list[JobRecord]],
    states: Callable[..., list[str]],
) -> None:
    # Given
    jobs = chain()
    changes.cancel(jobs[0])
    states()
    # When
    for job in reversed(jobs):
        assert records.forget(records.get(job.id)) == "forgotten"
    # Then
    assert not [key for key in records.redis.keys("fitq:*") if "behind" in key]
    assert changes.unsettled() == []


def test_jobs_are_made_all_or_none(records: Records, train_job: Callable[..., TrainJob]) -> None:
    # Given
    taken = records.create(train_job())
    free = new_id()
    # When
    made = records.create_all(
        [NewJob(free, train_job()), NewJob(taken.id, train_job(), (free,))], lambda job: None
    )
    # Then
    assert made == []
    assert [record.id for record in records.all()] == [taken.id]


def test_a_restored_job_waits_again(
    records: Records,
    attempts: Attempts,
    chain: Callable[..., list[JobRecord]],
    claim: Claim,
    states: Callable[..., list[str]],
) -> None:
    # Given
    a, b = chain(2)
    records.redis.flushdb()
    # When
    assert records.restore(to_be_restored(b))
    assert records.restore(to_be_restored(a))
    # Then
    assert states(a, b) == ["queued", "waiting"]
    attempts.succeed(claim(records.get(a.id)), "f" * 64, {})
    assert states(b) == ["queued"]
