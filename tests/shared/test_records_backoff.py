"""After trouble a job waits before it is tried again, and not for ever."""

from __future__ import annotations

import pytest

from fitq_shared.attempts import FAULT_LIMIT, LOSS_LIMIT, Attempts
from fitq_shared.lost_messages import without_message
from fitq_shared.record import Attempt, Reason
from fitq_shared.record_keys import DELAYED, front_key
from fitq_shared.redis_link import server_time

pytestmark = pytest.mark.services

LOST = Reason("worker-lost", "the worker blue stopped answering")
FULL = Reason("store", "the volume is full", "make room")
DRAIN = Reason("drain", "the worker blue was told to leave")
WHO = {"worker": "w", "device_name": "d", "threads": 2}


@pytest.fixture
def queued(records, train_job):
    return records.create(train_job())


@pytest.fixture
def back(records, attempts, changes, claim, queued):
    """Claim the job, waiting for nothing, and give it back: the answer and the record."""

    def give(reason=FULL, counts="fault", through=attempts):
        record = records.get(queued.id)
        if record.due is not None:
            assert changes.may_resend(record)
        attempt = claim(records.get(queued.id))
        return through.give_back(attempt, reason, counts=counts), records.get(queued.id)

    return give


def pause(record):
    """For how long a record is to wait, from when it was given back."""
    return None if record.due is None else round(record.due - record.sent, 3)


def test_each_fault_is_waited_out_longer_up_to_a_minute(records, back):
    pauses = []
    for number in range(1, FAULT_LIMIT):
        # When the infrastructure fails the job again
        state, record = back()
        # Then it is queued, but not to be started yet, and no worker is blamed
        assert (state, record.state, record.faults, record.losses) == (
            "delayed",
            "queued",
            number,
            0,
        )
        pauses.append(pause(record))
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_the_last_fault_that_it_bears_fails_the_job(redis, records, back):
    for _ in range(1, FAULT_LIMIT):
        back()
    # When it fails once more
    state, record = back()
    # Then it has failed, says why, and waits for nothing
    assert (state, record.state, record.reason) == ("failed", "failed", FULL)
    assert (record.faults, record.attempt, record.due) == (FAULT_LIMIT, FAULT_LIMIT, None)
    assert redis.zcard(DELAYED) == redis.zcard(front_key(record.queue)) == 0


def test_the_first_loss_is_made_up_for_at_once_and_the_next_later(records, back):
    assert [back(LOST, "lost")[0], pause(records.find("brave-otter"))] == ["queued", None]
    assert [back(LOST, "lost")[0], pause(records.find("brave-otter"))] == ["delayed", 4]


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_how_many_workers_a_job_may_take_down_is_a_setting(records, queued, back, limit):
    # Given workers that hold so many losses against a job
    strict = Attempts(records, loss_limit=limit)
    # When it takes down that many, the last one fails it
    states = [back(LOST, "lost", strict)[0] for _ in range(limit)]
    assert states[-1] == "failed"
    assert "failed" not in states[:-1]


def test_faults_and_losses_do_not_count_for_each_other(records, back):
    for _ in range(LOSS_LIMIT - 1):
        back(LOST, "lost")
    # When the infrastructure fails it once more, it goes on, and the other way round
    state, record = back(FULL, "fault")
    assert (state, record.losses, record.faults) == ("delayed", LOSS_LIMIT - 1, 1)
    assert pause(record) == 2


def test_a_worker_that_leaves_gives_back_without_a_pause(back):
    back(FULL, "fault")
    state, record = back(DRAIN, "")
    assert (state, pause(record), record.faults) == ("queued", None, 1)


def test_while_it_waits_it_cannot_be_claimed_and_has_no_place(
    redis, records, attempts, lanes, back, queued, hold
):
    # Given a job that waits before it is tried again
    _, record = back()
    # When its message comes, from a sender who did not know
    answer = attempts.claim(queued.id, 2, queued.spec_hash, hold("worker-2"), **WHO)
    # Then it is told that this is early, and nothing changes
    assert answer == "early"
    assert records.get(queued.id) == record
    assert lanes.place(record) is None
    assert redis.zrange(DELAYED, 0, -1) == [queued.id]
    # And nobody takes its message for lost
    assert list(without_message(records, record.queue, 0)) == []


def test_it_is_due_when_its_time_has_come_and_not_before(redis, records, back, queued):
    back()
    assert list(records.due()) == []
    # When its time has come
    redis.zadd(DELAYED, {queued.id: server_time(redis) - 1})
    # Then it is due
    assert [record.id for record in records.due()] == [queued.id]


def test_one_reaper_wakes_it_and_it_comes_to_the_front(
    redis, records, changes, attempts, lanes, train_job, back, queued, hold
):
    # Given a job that is due, and another that has waited all the time
    waiting = records.create(train_job())
    _, record = back()
    # When two reapers want to send it, one may
    assert [changes.may_resend(record), changes.may_resend(record)] == [
        True,
        False,
    ]
    # Then it waits for a worker, before the other, and nothing is due
    woken = records.get(queued.id)
    assert woken.due is None
    assert [lanes.place(r).before for r in (woken, waiting)] == [0, 1]
    assert list(records.due()) == [] and redis.zcard(DELAYED) == 0
    # And can be claimed
    answer = attempts.claim(queued.id, 2, queued.spec_hash, hold("worker-2"), **WHO)
    assert answer == Attempt(queued.id, 2, "worker-2")


def test_a_job_that_waits_is_cancelled_at_once(redis, records, changes, back, queued):
    _, record = back()
    assert changes.cancel(record) == "cancelled"
    assert (records.get(queued.id).state, records.get(queued.id).due) == ("cancelled", None)
    assert redis.zcard(DELAYED) == 0
    assert changes.may_resend(record) is False


def test_a_fault_of_a_job_that_was_to_be_cancelled_cancels_it(
    redis, changes, attempts, queued, claim
):
    attempt = claim(queued)
    changes.cancel(queued)
    assert attempts.give_back(attempt, FULL, counts="fault") == "cancelled"
    assert redis.zcard(DELAYED) == 0
