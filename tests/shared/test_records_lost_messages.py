"""A queued job whose Celery message is lost is found, once, and one that only waits is not."""

from __future__ import annotations

import threading

import pytest

from fitq_shared.celery_app import make_app
from fitq_shared.changes import Changes
from fitq_shared.dispatch import send_to_front
from fitq_shared.lost_messages import without_message
from fitq_shared.queues import queue_for
from fitq_shared.record import Reason
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis
from support.jobs import submit

pytestmark = pytest.mark.services

QUEUE = queue_for("any")


@pytest.fixture
def submitted(settings, records, train_job):
    """Submit a job: its record, and its message in the queue."""
    app = make_app(settings)
    return lambda: submit(app, records, train_job())


@pytest.fixture
def take(redis, claim):
    """What a worker does: take the oldest message, and claim its job."""

    def run(record):
        assert redis.rpop(QUEUE)
        return claim(record)

    return run


def lost(records, grace_seconds=0.0):
    return [record.id for record in without_message(records, QUEUE, grace_seconds)]


def test_in_an_empty_queue_every_queued_job_has_lost_its_message(redis, records, submitted):
    # Given two queued jobs, whose messages somebody threw away
    first, second = submitted(), submitted()
    redis.delete(QUEUE)

    # Then both are found, the oldest first, but only after the time that a claim may need
    assert lost(records) == [first.id, second.id]
    assert lost(records, grace_seconds=3600) == []


def test_a_queue_that_is_merely_long_has_lost_nothing(records, submitted, take):
    # Given many jobs that wait for a worker
    jobs = [submitted() for _ in range(10)]
    assert lost(records) == []

    # When some are taken, in order, Then the others are still only waiting
    for record in jobs[:5]:
        take(record)
        assert lost(records) == []


def test_a_job_that_was_overtaken_has_lost_its_message(redis, records, submitted, take):
    # Given three jobs in the queue, and the first one's message gone
    first, second, third = submitted(), submitted(), submitted()
    redis.rpop(QUEUE)

    # When a later one is taken
    take(second)

    # Then the first is found, and the one behind is not
    assert lost(records) == [first.id]
    assert lost(records, grace_seconds=3600) == []
    assert records.get(third.id).state == "queued"


def test_queues_do_not_overtake_each_other(
    redis, records, lanes, submitted, train_job, settings, claim
):
    # Given a job that waits, and one of another queue that was sent later
    waiting = submitted()
    other = submit(make_app(settings), records, train_job(device="gpu"))

    # When the other is taken
    redis.delete(other.queue)
    claim(other)

    # Then the first has still only to wait
    assert lost(records) == []
    assert lanes.place(waiting).before == 0


@pytest.mark.parametrize("change", ["claimed", "cancelled"])
def test_a_job_that_is_no_longer_queued_misses_no_message(
    redis, records, changes, submitted, take, change
):
    record = submitted()
    if change == "claimed":
        take(record)
    else:
        changes.cancel(record)
        redis.delete(QUEUE)
    assert lost(records) == []
    assert changes.may_resend(record) is False


def test_a_message_that_was_sent_again_is_not_missed(
    settings, redis, records, changes, lanes, submitted, take
):
    # Given a job that lost its message to a later one
    first, second, third = submitted(), submitted(), submitted()
    redis.rpop(QUEUE)
    take(second)

    # When it is sent again
    assert changes.may_resend(records.get(first.id))
    send_to_front(make_app(settings), records, records.get(first.id))

    # Then it waits before the third, and nothing is missing
    assert lost(records) == []
    assert lanes.place(first).before == 0
    assert lanes.place(third).before == 1
    # And it has the same attempt: its first message, should it turn up, is as good
    assert records.get(first.id).attempt == 1


def test_of_many_reapers_one_may_send_the_message(settings, redis, changes, submitted):
    # Given eight reapers that have found the same job
    record = submitted()
    redis.delete(QUEUE)
    start = threading.Barrier(8, timeout=60)
    answers = []

    def reap(mine: Changes) -> None:
        [found] = without_message(mine.records, QUEUE, 0)
        start.wait()
        answers.append(mine.may_resend(found))

    threads = [
        threading.Thread(target=reap, args=(Changes(Records(open_redis(settings))),))
        for _ in range(8)
    ]

    # When all ask for the right to send it
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # Then one has it, and by what it knew before, it does not have it again
    assert sorted(answers) == [False] * 7 + [True]
    assert changes.may_resend(record) is False


def test_a_job_that_was_given_back_cannot_be_resent_by_what_was_known_before(
    records, changes, attempts, submitted, take
):
    record = submitted()
    attempts.give_back(take(record), Reason("drain", "left"), counts="")
    assert changes.may_resend(record) is False
    assert changes.may_resend(records.get(record.id)) is True


def test_one_message_sent_again_does_not_make_the_others_look_lost(
    redis, records, changes, submitted, take
):
    # Given a job that was overtaken, and so was sent again, with others behind it
    first, second, *others = [submitted() for _ in range(5)]
    redis.lmove(QUEUE, QUEUE, "RIGHT", "LEFT")
    take(second)
    assert lost(records) == [first.id]
    assert changes.may_resend(records.get(first.id))
    # When its message is taken after all
    take(records.get(first.id))
    # Then those behind it are still only waiting
    assert redis.llen(QUEUE) == len(others)
    assert lost(records) == []
