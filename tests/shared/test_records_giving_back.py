"""A job whose worker leaves or is lost is queued again; one that takes workers down is not."""

from __future__ import annotations

import threading

import pytest

from fitq_shared.attempts import LOSS_LIMIT, Attempts
from fitq_shared.record import Attempt, Reason
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis
from fitq_shared.scripts import Scripts

pytestmark = pytest.mark.services

LOST = Reason("worker-lost", "the worker blue stopped answering", "see its log")
FULL = Reason("store", "the volume is full", "make room")
DRAIN = Reason("drain", "the worker blue was told to leave")


@pytest.fixture
def queued(records, train_job):
    return records.create(train_job())


@pytest.fixture
def running(queued, claim):
    return claim(queued)


def test_a_job_that_is_given_back_is_queued_as_its_next_attempt(
    records, attempts, lanes, train_job, queued, running, claim
):
    # Given another job that waits
    waiting = records.create(train_job(name="other"))

    # When a running one is given back
    assert attempts.give_back(running, DRAIN, counts="") == "queued"

    # Then it waits again, belongs to nobody, and holds it against no worker
    record = records.get(queued.id)
    assert (record.state, record.attempt, record.losses) == ("queued", 2, 0)
    assert (record.token, record.lease, record.reason, record.finished) == (None,) * 4
    assert record.sent > queued.sent
    assert list(records.running()) == []
    assert lanes.place(record).before == 0
    assert lanes.place(waiting).before == 1

    # And its next attempt can be claimed
    assert claim(record, "worker-2") == Attempt(queued.id, 2, "worker-2")


def test_each_loss_counts_and_the_last_fails_the_job(
    records, changes, attempts, lanes, queued, claim
):
    # Given a job that takes down one worker after another
    for number in range(1, LOSS_LIMIT):
        attempt = claim(records.get(queued.id), f"worker-{number}")
        assert attempts.give_back(attempt, LOST, counts="lost") in ("queued", "delayed")
        record = records.get(queued.id)
        assert (record.attempt, record.losses) == (number + 1, number)
        changes.may_resend(record)

    # When it is lost once more
    attempt = claim(records.get(queued.id), "worker-last")
    assert attempts.give_back(attempt, LOST, counts="lost") == "failed"

    # Then it has failed, and says why
    record = records.get(queued.id)
    assert (record.state, record.reason, record.losses) == ("failed", LOST, LOSS_LIMIT)
    assert record.attempt == LOSS_LIMIT
    assert record.finished >= record.started
    assert lanes.place(record) is None


def test_a_worker_that_leaves_in_order_is_no_loss(records, attempts, queued, claim):
    for number in range(2 * LOSS_LIMIT):
        attempt = claim(records.get(queued.id), f"worker-{number}")
        assert attempts.give_back(attempt, DRAIN, counts="") == "queued"
    assert records.get(queued.id).losses == 0


def test_while_its_lease_is_held_a_job_is_alive(redis, records, attempts, queued, running):
    # Given a running job whose worker holds its lease
    record = records.get(queued.id)

    # When a reaper would give it back
    state = attempts.give_back(running, LOST, counts="lost", unless_leased=record.lease)

    # Then nothing changes
    assert state == "alive"
    assert records.get(queued.id) == record

    # But without the lease it does
    redis.delete(record.lease)
    assert attempts.give_back(running, LOST, counts="lost", unless_leased=record.lease) == "queued"


def test_a_lease_that_another_holds_does_not_keep_the_job(
    redis, records, attempts, queued, running
):
    """The device has been taken by a new worker, which knows nothing of the old one's job."""
    record = records.get(queued.id)
    redis.set(record.lease, "new-worker")
    assert attempts.give_back(running, LOST, counts="lost", unless_leased=record.lease) == "queued"


def test_a_job_that_was_to_be_cancelled_is_cancelled(
    records, changes, attempts, lanes, queued, running
):
    # Given a running job that was cancelled
    changes.cancel(queued)

    # When its worker is lost before it could stop
    # Then it is not queued again
    assert attempts.give_back(running, LOST, counts="lost") == "cancelled"
    record = records.get(queued.id)
    assert record.ended
    assert record.reason is None
    assert lanes.place(record) is None


def test_a_job_that_has_ended_is_not_given_back(records, attempts, queued, running):
    attempts.succeed(running, "a" * 64, {})
    before = records.get(queued.id)
    assert attempts.give_back(running, LOST, counts="lost") == "stale"
    assert records.get(queued.id) == before


def test_of_many_reapers_one_gives_a_job_back(settings, records, queued, running):
    """So that a lost worker is counted once, and the message sent once."""
    # Given eight reapers that have seen the same orphan
    start = threading.Barrier(8, timeout=60)
    answers = []

    def reap(mine: Attempts) -> None:
        start.wait()
        answers.append(mine.give_back(running, LOST, counts="lost"))

    threads = [
        threading.Thread(target=reap, args=(Attempts(Records(open_redis(settings))),))
        for _ in range(8)
    ]

    # When all give it back
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # Then one has done it
    assert sorted(answers) == ["queued"] + ["stale"] * 7
    record = records.get(queued.id)
    assert (record.attempt, record.losses) == (2, 1)


# -- asked for again because the answer was lost on the way ------------------------------------


def test_who_asks_again_is_told_the_same_and_it_counts_once(records, attempts, queued, running):
    # Given a job that was given back, whose giver has not heard so
    assert attempts.give_back(running, LOST, counts="lost") == "queued"
    before = records.get(queued.id)
    # When it asks again, Then it knows that a message is to be sent, and nothing changes
    assert attempts.give_back(running, LOST, counts="lost") == "queued"
    assert records.get(queued.id) == before
    assert (before.attempt, before.losses) == (2, 1)


def test_who_asks_again_is_told_of_a_pause(records, attempts, queued, running):
    for _ in range(2):
        assert attempts.give_back(running, FULL, counts="fault") == "delayed"
    assert records.get(queued.id).faults == 1


@pytest.mark.parametrize(("cancelled", "state"), [(True, "cancelled"), (False, "failed")])
def test_who_asks_again_is_told_of_the_end(records, changes, queued, running, cancelled, state):
    strict = Attempts(records, loss_limit=1)
    if cancelled:
        changes.cancel(queued)
    for _ in range(2):
        assert strict.give_back(running, LOST, counts="lost") == state
    assert records.get(queued.id).losses == 1


def test_who_asks_again_too_late_is_told_so(records, attempts, queued, running, claim):
    attempts.give_back(running, LOST, counts="lost")
    claim(records.get(queued.id), "worker-2")
    assert attempts.give_back(running, LOST, counts="lost") == "stale"


def test_who_asks_again_for_the_right_to_send_a_message_still_has_it(changes, queued, monkeypatch):
    # Given a line to Redis that loses the first answer
    once, answers = Scripts.run, []

    def lossy(scripts, name, keys, args):
        answers.extend(once(scripts, name, keys, args) for _ in range(2))
        return answers[-1]

    monkeypatch.setattr(Scripts, "run", lossy)
    # When a reaper asks, Then the second answer is the same as the first
    assert changes.may_resend(queued)
    assert answers == ["resend", "resend"]
    # But whoever knows only what was before has it no more
    assert not changes.may_resend(queued)
