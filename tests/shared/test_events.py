from __future__ import annotations

from itertools import islice

import pytest

from fitq_shared.attempts import Attempts
from fitq_shared.events import KEPT_EVENTS, events_key, follow, progress_key, publish
from fitq_shared.record import Reason

pytestmark = pytest.mark.services


@pytest.fixture
def job(records, train_job):
    """The id of a job: its events begin with its record."""
    return records.create(train_job()).id


def seen(redis, job_id):
    """All events that are there now."""
    found = []
    for event in follow(redis, job_id, block_seconds=0.01):
        if event is None:
            return found
        found.append(event)
    raise AssertionError("following ended by itself")


def reported(redis, job_id):
    """The events that a worker has added."""
    return [event for event in seen(redis, job_id) if event.type != "queued"]


def test_events_come_in_the_order_in_which_they_happened(redis, records, train_job, job):
    # Given events of a job, and of another
    other = records.create(train_job()).id
    for epoch in (1, 2, 3):
        publish(redis, job, "epoch", 1, {"epoch": epoch, "loss": 1 / epoch})
        publish(redis, other, "epoch", 7, {"epoch": 9})

    # When I follow the job
    events = reported(redis, job)

    # Then I see its own, in order
    assert [(event.type, event.attempt) for event in events] == [("epoch", 1)] * 3
    assert [event.data["epoch"] for event in events] == [1, 2, 3]
    assert events[1].data["loss"] == 0.5


def test_none_comes_whenever_nothing_has_happened(redis, job):
    # Given a follower who has seen all
    publish(redis, job, "epoch", 1, {})
    stream = follow(redis, job, block_seconds=0.01)
    assert [event.type for event in islice(stream, 2)] == ["queued", "epoch"]

    # When nothing happens, Then None comes, again and again
    assert list(islice(stream, 2)) == [None, None]

    # When something happens, Then that comes
    publish(redis, job, "progress", 1, {"batch": 4})
    assert next(stream).data == {"batch": 4}
    assert next(stream) is None


def test_of_progress_only_the_newest_is_kept(redis, job):
    # Given an epoch, and much progress after it
    publish(redis, job, "epoch", 1, {"epoch": 1})
    for batch in range(4):
        publish(redis, job, "progress", 1, {"batch": batch})

    # When I follow the job
    events = reported(redis, job)

    # Then the epoch is there, and the newest progress; and that goes by itself in time
    assert sorted(event.type for event in events) == ["epoch", "progress"]
    assert [event.data["batch"] for event in events if event.type == "progress"] == [3]
    assert redis.ttl(progress_key(job)) > 0


def test_many_events_come_whole(redis, job):
    with redis.pipeline(transaction=False) as pipe:
        for batch in range(450):
            publish(pipe, job, "epoch", 1, {"batch": batch})
        pipe.execute()
    assert [event.data["batch"] for event in reported(redis, job)] == list(range(450))


def test_old_events_of_a_long_job_fall_off(redis, job):
    # Given a job with far more events than are kept
    many = 3 * KEPT_EVENTS
    with redis.pipeline(transaction=False) as pipe:
        for batch in range(many):
            publish(pipe, job, "epoch", 1, {"batch": batch})
        pipe.execute()

    # When I follow it
    events = reported(redis, job)

    # Then the newest are there, and about so many as are kept
    assert events[-1].data["batch"] == many - 1
    assert KEPT_EVENTS <= len(events) < 2 * KEPT_EVENTS


def test_the_events_of_states_say_who_when_and_why(redis, records, train_job, claim):
    # Given a job that ran, was given back, and ran to its end
    record = records.create(train_job())
    attempt = claim(record, "first")
    Attempts(records).give_back(attempt, Reason("drain", "the worker left", "wait"), counts="")
    Attempts(records).succeed(claim(records.get(record.id), "second"), "a" * 64, {})

    # When I follow it
    events = seen(redis, record.id)

    # Then each step is there, with its attempt
    assert [(event.type, event.attempt) for event in events] == [
        *(("queued", 1), ("started", 1), ("requeued", 1), ("started", 2), ("succeeded", 2)),
    ]
    assert [events[1].data["worker"], events[3].data["worker"]] == ["first", "second"]
    assert events[2].data["reason"] == {
        "kind": "drain",
        "message": "the worker left",
        "hint": "wait",
    }
    times = [float(event.data["at"]) for event in events]
    assert times == sorted(times)


def test_the_events_of_a_job_that_has_ended_do_not_stay_for_ever(redis, records, train_job, claim):
    record = records.create(train_job())
    attempt = claim(record)
    assert redis.ttl(events_key(record.id)) == -1
    Attempts(records).succeed(attempt, "a" * 64, {})
    assert redis.ttl(events_key(record.id)) > 0


def test_what_is_told_when_nothing_is_kept_any_more_is_not_kept(redis, job):
    """A worker that was paused for long tells of one more epoch of a job that has long ended."""
    redis.delete(events_key(job))
    publish(redis, job, "epoch", 1, {"epoch": 9})
    assert seen(redis, job) == []
