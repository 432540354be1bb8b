"""From queued to running to the end: each change happens once, and only for who holds the job."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from fitq_shared.attempts import Attempts
from fitq_shared.events import events_key
from fitq_shared.lease import Lease
from fitq_shared.record import UNREADABLE, Attempt, JobRecord, Reason
from fitq_shared.record_keys import RUNNING
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis
from fitq_shared.rows_used import RowsUsed

pytestmark = pytest.mark.services

MANIFEST = "a" * 64
WHO = {"worker": "w", "device_name": "d", "threads": 2}
REASON = Reason("bad-job", "the loss is not finite", "try a smaller learning rate")


@pytest.fixture
def queued(records, train_job):
    return records.create(train_job())


@pytest.fixture
def running(queued, claim):
    """The attempt of a job that a worker has claimed."""
    return claim(queued, "worker-1")


def count(redis, job_id, event):
    return sum(fields["type"] == event for _, fields in redis.xrange(events_key(job_id)))


# -- claim ------------------------------------------------------------------------------------


def test_a_claimed_job_runs(records, attempts, queued, hold):
    # Given a queued job, and a worker that holds its device
    lease = hold("token-1")

    # When the worker claims it
    who = {"worker": "blue", "device_name": "4 cores", "threads": 4}
    attempt = attempts.claim(queued.id, 1, queued.spec_hash, lease, **who)

    # Then it runs there
    assert attempt == Attempt(queued.id, 1, "token-1")
    record = records.get(queued.id)
    assert (record.state, record.worker, record.device_name) == ("running", "blue", "4 cores")
    assert (record.token, record.lease) == ("token-1", lease.key)
    assert record.started >= record.created
    assert [other.id for other in records.running()] == [queued.id]
    assert attempts.order(attempt) == "go-on"


def test_a_claim_without_the_lease_is_refused(redis, records, attempts, queued, hold):
    # Given a worker that holds nothing, and one whose device another holds
    nothing = Lease(redis, "cpu:host:9", "token-1", 60)
    hold("token-2")
    anothers = Lease(redis, "cpu:host:token-2", "token-1", 60)

    # When they claim a job
    # Then they do not get it, and it stays queued
    for lease in (nothing, anothers):
        assert attempts.claim(queued.id, 1, queued.spec_hash, lease, **WHO) == "no-lease"
    assert records.get(queued.id) == queued


def test_a_message_with_another_spec_is_refused(records, attempts, queued, hold):
    assert attempts.claim(queued.id, 1, "f" * 64, hold(), **WHO) == "altered"
    assert records.get(queued.id) == queued


@pytest.mark.parametrize("number", [0, 2, 99])
def test_a_message_of_another_attempt_is_stale(records, attempts, queued, hold, number):
    assert attempts.claim(queued.id, number, queued.spec_hash, hold(), **WHO) == "stale"
    assert records.get(queued.id) == queued


def test_a_message_of_a_job_that_is_not_there_is_stale(redis, attempts, hold):
    assert attempts.claim("abcd2345", 1, "f" * 64, hold(), **WHO) == "stale"
    assert not redis.exists("fitq:job:abcd2345")


def test_a_job_that_runs_is_stale_for_all_others(records, attempts, queued, running, hold):
    before = records.get(queued.id)
    assert attempts.claim(queued.id, 1, queued.spec_hash, hold("worker-2"), **WHO) == "stale"
    assert records.get(queued.id) == before


@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled"])
def test_a_job_that_has_ended_is_stale(records, attempts, queued, running, hold, end):
    {
        "succeeded": lambda: attempts.succeed(running, MANIFEST, {}),
        "failed": lambda: attempts.fail(running, REASON),
        "cancelled": lambda: attempts.cancelled(running),
    }[end]()
    assert attempts.claim(queued.id, 1, queued.spec_hash, hold(), **WHO) == "stale"
    assert records.get(queued.id).state == end


def test_a_claim_asked_for_again_is_answered_the_same(redis, attempts, queued, running, hold):
    """Its answer may have been lost on the way."""
    again = attempts.claim(queued.id, 1, queued.spec_hash, hold("worker-1"), **WHO)
    assert again == running
    assert count(redis, queued.id, "started") == 1


@pytest.mark.parametrize("racers", [2, 8])
def test_of_many_who_claim_at_once_one_wins(settings, redis, records, queued, hold, racers):
    # Given workers that have all received the message, each with a connection of its own
    start = threading.Barrier(racers, timeout=60)
    answers: dict[str, Attempt | str] = {}

    def race(token: str, lease: Lease, mine: Attempts) -> None:
        start.wait()
        answers[token] = mine.claim(queued.id, 1, queued.spec_hash, lease, **WHO)

    threads = []
    for number in range(racers):
        token = f"worker-{number}"
        arguments = (token, hold(token), Attempts(Records(open_redis(settings))))
        threads.append(threading.Thread(target=race, args=arguments))

    # When all claim
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # Then one has it, and the others know that they have not
    winners = [token for token, answer in answers.items() if isinstance(answer, Attempt)]
    assert len(winners) == 1
    assert sorted(str(a) for a in answers.values() if isinstance(a, str)) == ["stale"] * (
        racers - 1
    )
    assert records.get(queued.id).token == winners[0]
    assert count(redis, queued.id, "started") == 1


# -- the end ----------------------------------------------------------------------------------


def test_success_publishes_manifest_and_metrics(redis, records, attempts, queued, running):
    # When a running attempt succeeds
    assert attempts.succeed(running, MANIFEST, {"loss": 0.25, "rows": 100})

    # Then its manifest is the job's result
    record = records.get(queued.id)
    assert record.state == "succeeded"
    assert record.ended
    assert record.manifest == MANIFEST
    assert record.metrics == {"loss": 0.25, "rows": 100}
    assert record.finished >= record.started
    assert record.lease is None
    assert list(records.running()) == []
    assert not redis.zscore(RUNNING, queued.id)


def test_success_keeps_which_rows_were_used(records, attempts, running):
    # Given a job that could not know its rows before
    used = RowsUsed("validation", 60, "ab12")
    # When it succeeds
    assert attempts.succeed(running, MANIFEST, {}, rows_used=used, summary="on these rows")
    # Then its record says so, also when it is read from the fields that a copy of it has
    record = records.get(running.job_id)
    assert (record.rows_used, record.summary) == (used, "on these rows")
    assert JobRecord.from_fields(record.to_fields()) == record
    for forged in ('{"split": "a", "rows": 1}', '{"split": 1, "rows": 1, "digest": "a"}', "[]"):
        with pytest.raises(UNREADABLE):
            JobRecord.from_fields({**record.to_fields(), "rows_used": forged})


def test_success_asked_for_again_is_answered_the_same_and_published_once(
    redis, records, attempts, running
):
    attempts.succeed(running, MANIFEST, {"loss": 0.25})
    first = records.get(running.job_id)
    assert attempts.succeed(running, "b" * 64, {"loss": 9.0})
    assert records.get(running.job_id) == first
    assert count(redis, running.job_id, "succeeded") == 1


def test_a_failure_keeps_its_reason(records, attempts, running):
    assert attempts.fail(running, REASON)
    record = records.get(running.job_id)
    assert (record.state, record.reason) == ("failed", REASON)
    assert record.manifest is None
    assert attempts.fail(running, Reason("error", "another"))
    assert records.get(running.job_id).reason == REASON


@pytest.mark.parametrize("first", ["succeed", "fail", "cancelled"])
@pytest.mark.parametrize("second", ["succeed", "fail", "cancelled"])
def test_a_job_ends_once(records, attempts, running, first, second):
    # Given an attempt that has ended
    end = {
        "succeed": lambda: attempts.succeed(running, MANIFEST, {}),
        "fail": lambda: attempts.fail(running, REASON),
        "cancelled": lambda: attempts.cancelled(running),
    }
    assert end[first]()
    before = records.get(running.job_id)

    # When it is to end again
    # Then the answer is yes only to the same end, and nothing changes
    assert end[second]() is (first == second)
    assert records.get(running.job_id) == before


def test_an_outdated_attempt_cannot_end_the_job(records, attempts, queued, running, claim):
    """A worker that was paused, and given up, wakes while another runs its job."""
    # Given a job that was given back and runs elsewhere
    attempts.give_back(running, Reason("worker-lost", "gone"), counts="lost")
    newer = claim(records.get(queued.id), "worker-2")
    before = records.get(queued.id)

    # When the first wakes
    # Then it learns that it is outdated, and can change nothing
    assert attempts.order(running) == "outdated"
    assert not attempts.succeed(running, MANIFEST, {"loss": 0.0})
    assert not attempts.fail(running, REASON)
    assert not attempts.cancelled(running)
    assert attempts.give_back(running, REASON, counts="lost") == "stale"
    assert records.get(queued.id) == before

    # But the second can
    assert attempts.order(newer) == "go-on"
    assert attempts.succeed(newer, "b" * 64, {})
    assert records.get(queued.id).manifest == "b" * 64


@pytest.mark.parametrize("change", [{"token": "another"}, {"number": 2}, {"job_id": "abcd2345"}])
def test_who_does_not_hold_the_job_cannot_end_it(records, attempts, queued, running, change):
    impostor = replace(running, **change)
    before = records.get(queued.id)
    assert not attempts.succeed(impostor, MANIFEST, {})
    assert not attempts.fail(impostor, REASON)
    assert not attempts.cancelled(impostor)
    assert attempts.give_back(impostor, REASON, counts="") == "stale"
    assert attempts.order(impostor) == "outdated"
    assert records.get(queued.id) == before


def test_an_attempt_may_end_after_its_lease_ran_out_if_nobody_took_the_job(
    redis, records, attempts, queued, running
):
    redis.delete(records.get(queued.id).lease)
    assert attempts.succeed(running, MANIFEST, {})


# -- cancel -----------------------------------------------------------------------------------


def test_a_queued_job_is_cancelled_at_once(records, changes, attempts, lanes, queued, hold):
    assert changes.cancel(queued) == "cancelled"
    record = records.get(queued.id)
    assert record.ended
    assert record.cancel
    assert record.finished >= record.created
    assert lanes.place(record) is None
    # And its message is stale
    assert attempts.claim(queued.id, 1, queued.spec_hash, hold(), **WHO) == "stale"


def test_a_running_job_is_told_to_stop(records, changes, attempts, queued, running):
    # When a running job is cancelled
    assert changes.cancel(queued) == "stopping"

    # Then it runs on until its worker hears of it
    assert records.get(queued.id).state == "running"
    assert attempts.order(running) == "cancel"
    assert attempts.cancelled(running)
    assert records.get(queued.id).state == "cancelled"
    assert attempts.order(running) == "outdated"


@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled"])
def test_cancelling_a_job_that_has_ended_says_how(records, changes, attempts, queued, running, end):
    {
        "succeeded": lambda: attempts.succeed(running, MANIFEST, {}),
        "failed": lambda: attempts.fail(running, REASON),
        "cancelled": lambda: attempts.cancelled(running),
    }[end]()
    before = records.get(queued.id)
    assert changes.cancel(before) == end
    assert records.get(queued.id) == before
