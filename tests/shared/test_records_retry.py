"""`retry` queues a job again that has ended without a result; `forget` removes one that ended."""

from __future__ import annotations

import pytest

from fitq_shared.attempts import LOSS_LIMIT
from fitq_shared.errors import UnknownJob
from fitq_shared.events import events_key, publish
from fitq_shared.record import ENDED, Attempt, Reason
from fitq_shared.record_keys import DELAYED, JOBS, RUNNING, front_key, name_key, queued_key

pytestmark = pytest.mark.services

WRONG = Reason("bad-job", "the loss is not finite")
LOST = Reason("worker-lost", "the worker blue stopped answering")


@pytest.fixture
def in_state(records, changes, attempts, train_job, claim):
    """Make a job that is in this state."""

    def make(state):
        record = records.create(train_job())
        if state == "queued":
            return record
        attempt = claim(record, f"worker-{record.id}")
        if state == "succeeded":
            attempts.succeed(attempt, "a" * 64, {"loss": 0.5})
        elif state == "failed":
            attempts.fail(attempt, WRONG)
        elif state == "cancelled":
            changes.cancel(record)
            attempts.cancelled(attempt)
        return records.get(record.id)

    return make


@pytest.mark.parametrize("state", ["failed", "cancelled"])
@pytest.mark.parametrize("fresh", [False, True])
def test_a_job_without_a_result_is_queued_again(
    redis, records, changes, attempts, lanes, train_job, in_state, claim, state, fresh
):
    # Given a job that has ended without a result, and one that waits
    record = in_state(state)
    waiting = records.create(train_job())

    # When it is retried
    assert changes.retry(record, fresh=fresh) == "retried"

    # Then it is queued behind those that wait, as its next attempt, as if nothing had happened
    again = records.get(record.id)
    assert (again.state, again.attempt) == ("queued", 2)
    assert (again.losses, again.faults, again.ran) == (0, 0, 0)
    assert (again.reason, again.worker, again.token, again.finished, again.started) == (None,) * 5
    assert (again.cancel, again.cancel_asked) == (False, None)
    assert [lanes.place(waiting).before, lanes.place(again).before] == [0, 1]

    # And its story goes on: it is not lost a minute later
    assert redis.ttl(events_key(record.id)) == -1

    # And can be claimed, and end
    attempt = claim(again, "worker-2")
    assert attempt == Attempt(record.id, 2, "worker-2")
    assert attempts.order(attempt) == "go-on"
    assert attempts.succeed(attempt, "b" * 64, {})


def test_going_on_keeps_the_threads_and_the_checkpoints(records, changes, in_state):
    record = in_state("failed")
    changes.retry(record, fresh=False)
    again = records.get(record.id)
    assert (again.threads, again.first_attempt) == (record.threads, 1)


def test_a_fresh_start_keeps_neither(records, changes, in_state, claim):
    record = in_state("failed")
    changes.retry(record, fresh=True)
    again = records.get(record.id)
    assert (again.threads, again.first_attempt) == (None, 2)
    # And the next worker decides its threads
    claim(again, "worker-2", threads=7)
    assert records.get(record.id).threads == 7


@pytest.mark.parametrize("state", ["queued", "running", "succeeded"])
@pytest.mark.parametrize("fresh", [False, True])
def test_any_other_job_is_not_retried(records, changes, in_state, state, fresh):
    record = in_state(state)
    assert changes.retry(record, fresh=fresh) == state
    assert records.get(record.id) == record


def test_retrying_asked_for_again_queues_it_once(redis, records, changes, in_state):
    """Its answer may have been lost on the way."""
    record = in_state("failed")
    assert [changes.retry(record, fresh=False) for _ in range(2)] == ["retried", "retried"]
    assert records.get(record.id).attempt == 2
    types = [fields["type"] for _, fields in redis.xrange(events_key(record.id))]
    assert types == ["queued", "started", "failed", "queued"]


def test_what_was_known_before_does_not_retry_a_job_that_has_failed_again(
    records, changes, attempts, in_state, claim
):
    # Given a job that was retried, and has failed again
    record = in_state("failed")
    changes.retry(record, fresh=False)
    attempts.fail(claim(records.get(record.id), "worker-2"), LOST)
    before = records.get(record.id)
    # When one who saw only the first failure wants it to run again
    # Then it learns that the record has changed
    assert changes.retry(record, fresh=False) == "stale"
    assert records.get(record.id) == before


def test_the_attempt_that_was_retried_can_change_nothing_more(records, changes, attempts, in_state):
    record = in_state("failed")
    attempt = Attempt(record.id, 1, f"worker-{record.id}")
    changes.retry(record, fresh=False)
    before = records.get(record.id)
    assert not attempts.succeed(attempt, "c" * 64, {})
    assert not attempts.fail(attempt, WRONG)
    assert attempts.give_back(attempt, LOST, counts="lost") == "stale"
    assert attempts.order(attempt) == "outdated"
    assert records.get(record.id) == before


def test_a_job_that_took_workers_down_may_take_as_many_again(
    records, changes, attempts, train_job, claim
):
    # Given a job that failed because it was lost too often
    record = records.create(train_job())

    def lose():
        if (waits := records.get(record.id)).due is not None:
            changes.may_resend(waits)
        attempt = claim(records.get(record.id), "worker-1")
        return attempts.give_back(attempt, LOST, counts="lost")

    assert [lose() for _ in range(LOSS_LIMIT)][-1] == "failed"
    # When its owner retries it
    changes.retry(records.get(record.id), fresh=False)
    # Then the first loss does not fail it
    assert lose() == "queued"


# -- forget -----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ENDED)
def test_of_a_job_that_is_forgotten_nothing_is_left(redis, records, in_state, state):
    # Given a job that has ended, with events
    record = in_state(state)
    publish(redis, record.id, "progress", 1, {"batch": 1})
    # When it is forgotten
    assert records.forget(record) == "forgotten"
    # Then nothing in Redis names it, and nobody finds it
    left = [key for key in redis.keys("*") if record.id in key and ":lease:" not in key]
    assert left == []
    sets = (
        JOBS,
        name_key(record.name),
        RUNNING,
        DELAYED,
        queued_key(record.queue),
        front_key(record.queue),
    )
    assert [redis.zscore(key, record.id) for key in sets] == [None] * len(sets)
    assert list(records.all()) == []
    with pytest.raises(UnknownJob):
        records.find(record.name)
    # And asking again is no error
    assert records.forget(record) == "forgotten"


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_job_that_has_not_ended_is_not_forgotten(records, in_state, state):
    record = in_state(state)
    assert records.forget(record) == state
    assert records.get(record.id) == record
    assert records.find(record.name) == record


def test_another_of_the_same_name_is_found_instead(records, in_state):
    older, newer = in_state("succeeded"), in_state("succeeded")
    records.forget(newer)
    assert records.find(newer.name) == older
