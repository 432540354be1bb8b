"""What a record keeps from one attempt to the next: its threads, and for how long it has run."""

from __future__ import annotations

import pytest

from fitq_shared.record import Reason
from fitq_shared.record_keys import job_key
from fitq_shared.schema import SCHEMA_VERSION
from fitq_shared.scripts import Scripts

pytestmark = pytest.mark.services

DRAIN = Reason("drain", "the worker blue was told to leave")
WHO = {"worker": "w", "device_name": "d", "threads": 2}


@pytest.fixture
def queued(records, train_job):
    return records.create(train_job())


def started_earlier(redis, job_id, seconds):
    """Move the beginning of the running attempt into the past."""
    started = float(redis.hget(job_key(job_id), "started"))
    redis.hset(job_key(job_id), "started", f"{started - seconds:.6f}")


def test_the_threads_of_the_first_attempt_are_kept(records, attempts, queued, claim):
    assert queued.threads is None
    # Given an attempt with four threads, which was given back
    first = claim(queued, "worker-1", threads=4)
    attempts.give_back(first, DRAIN, counts="")
    # When a worker with eight goes on
    claim(records.get(queued.id), "worker-2", threads=8)
    # Then the job still has four: another number would change the last digits of its result
    assert records.get(queued.id).threads == 4


def test_how_long_it_has_run_adds_up_over_its_attempts(redis, records, attempts, queued, claim):
    # Given two attempts of 100 seconds each
    for number in (1, 2):
        attempt = claim(records.get(queued.id), f"worker-{number}")
        started_earlier(redis, queued.id, 100)
        attempts.give_back(attempt, DRAIN, counts="")
        assert records.get(queued.id).ran == pytest.approx(100 * number, abs=30)

    # When the next one runs for 1000 and ends
    attempt = claim(records.get(queued.id), "worker-3")
    started_earlier(redis, queued.id, 1000)
    attempts.succeed(attempt, "a" * 64, {})

    # Then both count, and what it waited does not
    assert records.get(queued.id).ran == pytest.approx(1200, abs=60)


@pytest.mark.parametrize("end", ["fail", "cancelled"])
def test_an_attempt_that_ends_otherwise_counts_too(redis, records, attempts, queued, claim, end):
    attempt = claim(queued)
    started_earlier(redis, queued.id, 100)
    attempts.fail(attempt, DRAIN) if end == "fail" else attempts.cancelled(attempt)
    assert records.get(queued.id).ran == pytest.approx(100, abs=30)


def test_the_timeout_is_the_spec_s(records, train_job):
    assert records.create(train_job()).timeout is None
    assert records.create(train_job(timeout=90)).timeout == 90.0


def test_a_job_of_another_version_is_refused_and_waits(redis, records, attempts, queued, hold):
    """An operator may have renamed a queue; else its message does not come here at all."""
    # Given a record of a later version
    redis.hset(job_key(queued.id), "schema", SCHEMA_VERSION + 1)
    before = records.get(queued.id)
    # When a worker of this version is sent its message
    answer = attempts.claim(queued.id, 1, queued.spec_hash, hold(), **WHO)
    # Then it is refused, and stays queued for one that knows it
    assert answer == "other-version"
    assert records.get(queued.id) == before


def test_creating_asked_for_again_makes_one_job(records, train_job, redis, monkeypatch):
    """Redis has made the job, and the answer was lost on the way: the client asks again."""
    # Given a line to Redis that loses the first answer
    once, answers = Scripts.run, []

    def lossy(scripts, name, keys, args):
        answers.extend(once(scripts, name, keys, args) for _ in range(2))
        return answers[-1]

    monkeypatch.setattr(Scripts, "run", lossy)
    # When a job is made
    record = records.create(train_job())
    # Then the second answer is the same as the first, and there is one job, queued once
    assert answers == ["created", "created"]
    assert [made.id for made in records.all()] == [record.id]
    assert redis.xlen(f"fitq:events:{record.id}") == 1


def test_asking_again_late_does_not_undo_what_has_happened(records, train_job, claim, monkeypatch):
    # Given a job that a worker has claimed before its maker asks again
    once, asked = Scripts.run, []

    def remember(*call):
        asked.append(call)
        return once(*call)

    monkeypatch.setattr(Scripts, "run", remember)
    record = records.create(train_job())
    claim(record)
    before = records.get(record.id)
    # When the maker asks again, Then the job is its own, and runs on
    assert once(*asked[0]) == "created"
    assert records.get(record.id) == before
