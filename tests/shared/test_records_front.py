"""What came to the front of a queue: given back, or sent again, it comes before all that wait."""

from __future__ import annotations

import json

import pytest

from fitq_shared.celery_app import make_app
from fitq_shared.dispatch import send, send_to_front
from fitq_shared.lost_messages import without_message
from fitq_shared.queues import queue_for
from fitq_shared.record import Reason
from fitq_shared.record_keys import front_key
from support.jobs import submit

pytestmark = pytest.mark.services

QUEUE = queue_for("any")
DRAIN = Reason("drain", "the worker blue was told to leave")


@pytest.fixture
def app(settings):
    return make_app(settings)


@pytest.fixture
def submitted(app, records, train_job):
    """Submit a job: its record, and its message in the queue."""
    return lambda **changes: submit(app, records, train_job(**changes))


@pytest.fixture
def next_message(redis):
    """Take a message as a worker does, from the end of the list; its job and attempt."""

    def take(queue=QUEUE):
        task_id = json.loads(redis.rpop(queue))["headers"]["id"]
        job, attempt, _ = task_id.split("-")
        return job, int(attempt)

    return take


@pytest.fixture
def given_back(app, records, attempts, claim, next_message):
    """Take the next job, run it, give it back as a worker that leaves does, and send it."""

    def run():
        job, _ = next_message()
        attempts.give_back(claim(records.get(job), f"worker-{job}"), DRAIN, counts="")
        record = records.get(job)
        send_to_front(app, records, record)
        return record

    return run


def test_a_job_that_was_given_back_is_taken_before_those_that_wait(
    records, lanes, submitted, given_back, next_message
):
    # Given three jobs, the first of which was taken and given back
    first, second, third = submitted(), submitted(), submitted()
    given_back()

    # Then its place is before the others
    assert [lanes.place(record).before for record in (first, second, third)] == [0, 1, 2]

    # And real messages are taken in that order, the first job's as its next attempt
    taken = [next_message() for _ in range(3)]
    assert taken == [(first.id, 2), (second.id, 1), (third.id, 1)]


def test_places_say_in_which_order_jobs_are_taken(
    app, records, attempts, lanes, submitted, claim, next_message
):
    # Given jobs of which two ran at the same time, and were given back one after the other
    jobs = [submitted().id for _ in range(4)]
    running = [claim(records.get(next_message()[0]), f"worker-{n}") for n in range(2)]
    for attempt in running:
        attempts.give_back(attempt, DRAIN, counts="")
        send_to_front(app, records, records.get(attempt.job_id))

    # When their places are asked for
    places = {job: lanes.place(records.get(job)).before for job in jobs}

    # Then they are taken in that order
    taken = [next_message()[0] for _ in range(4)]
    assert taken == sorted(places, key=lambda job: places[job])


def test_what_an_interrupted_sender_left_aside_is_brought_along(
    redis, app, records, submitted, given_back, next_message
):
    """It died between sending and moving."""
    # Given a message that was sent aside, and not moved
    first, second = submitted(), submitted()
    next_message()
    send(app, first, f"{QUEUE}.front")
    assert redis.llen(QUEUE) == 1

    # When another comes to the front
    third = submitted(device="any")
    redis.lpop(QUEUE)
    send_to_front(app, records, third)

    # Then both are there, before the one that waits, and nothing is left aside
    assert redis.llen(f"{QUEUE}.front") == 0
    assert {next_message()[0], next_message()[0]} == {first.id, third.id}
    assert next_message() == (second.id, 1)


def test_each_queue_has_a_front_of_its_own(redis, app, records, changes, lanes, submitted):
    for need in ("cpu", "gpu"):
        waiting, urgent = submitted(device=need), submitted(device=need)
        redis.lpop(urgent.queue)
        assert changes.may_resend(urgent)
        send_to_front(app, records, urgent)
        assert [lanes.place(urgent).before, lanes.place(waiting).before] == [0, 1]
        assert redis.llen(queue_for(need)) == 2
        assert redis.zrange(front_key(urgent.queue), 0, -1) == [urgent.id]


def test_taking_from_the_front_does_not_make_those_behind_look_lost(
    records, submitted, given_back, claim, next_message
):
    # Given a job sent long after others, that came to the front
    [submitted() for _ in range(3)]
    given_back()

    # When it is claimed
    job, _ = next_message()
    claim(records.get(job), "worker-2")

    # Then the others are still only waiting
    assert list(without_message(records, QUEUE, 0)) == []


def test_what_is_missing_at_the_front_of_a_long_queue_is_found(
    records, changes, redis, app, submitted, given_back, next_message
):
    # Given a long queue, with two jobs at its front
    jobs = [submitted() for _ in range(40)]
    given_back()
    redis.lmove(QUEUE, "kept", "RIGHT", "LEFT")
    second = given_back()
    redis.lmove("kept", QUEUE, "RIGHT", "RIGHT")
    assert list(without_message(records, QUEUE, 0)) == []

    # When the message of one is lost
    assert next_message() == (jobs[0].id, 2)

    # Then that one is found, once the grace time has passed, and no other
    assert [record.id for record in without_message(records, QUEUE, 0)] == [jobs[0].id]
    assert list(without_message(records, QUEUE, 3600)) == []
    assert second.id != jobs[0].id

    # And when it is sent again, nothing is missing
    [lost] = without_message(records, QUEUE, 0)
    assert changes.may_resend(lost)
    send_to_front(app, records, records.get(lost.id))
    assert list(without_message(records, QUEUE, 0)) == []
    assert next_message() == (jobs[0].id, 2)


def test_the_message_of_an_earlier_attempt_does_not_stand_for_the_newest(
    records, attempts, redis, app, submitted, claim, next_message
):
    # Given a job whose first message came twice, and which was given back
    record = submitted()
    send_to_front(app, records, record)
    next_message()
    attempts.give_back(claim(record), DRAIN, counts="")

    # Then what is left in the queue is only its first attempt's, and it has lost its message
    assert redis.llen(QUEUE) == 1
    assert [lost.id for lost in without_message(records, QUEUE, 0)] == [record.id]


@pytest.mark.parametrize("end", ["claimed", "cancelled"])
def test_who_leaves_the_front_is_no_longer_looked_for(
    redis, records, changes, lanes, given_back, submitted, claim, end
):
    submitted()
    record = given_back()
    claim(record, "worker-2") if end == "claimed" else changes.cancel(record)
    redis.delete(QUEUE)
    assert lanes.place(record) is None
    assert list(without_message(records, QUEUE, 0)) == []
