"""Lanes: which a job gets, and what becomes of it when the job comes again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fitq_shared.lanes import Lanes, Place
from fitq_shared.lost_messages import without_message
from fitq_shared.queues import GIB, LANES, QueueName
from fitq_shared.record import JobRecord, Reason
from fitq_shared.record_keys import DELAYED, QUEUES, job_key, queued_key
from fitq_shared.snapshots import to_be_restored

pytestmark = pytest.mark.services

DRAIN = Reason("drain", "the worker blue was told to leave")


@pytest.fixture
def queued(records, train_job):
    """Queue a job of this owner."""
    return lambda owner, **changes: records.create(train_job(owner=owner, **changes))


def lane(record):
    return QueueName.parse(record.queue).lane


def test_each_owner_has_a_lane_of_his_own_while_there_are_enough(queued):
    # Given as many owners as there are lanes, whose jobs come in any order
    owners = [f"owner-{n}" for n in LANES]
    first = {owner: lane(queued(owner)) for owner in owners}
    # Then no two are in one lane, and whatever else they submit comes behind their own
    assert sorted(first.values()) == list(LANES)
    assert {owner: lane(queued(owner)) for owner in reversed(owners)} == first


def test_who_comes_when_all_lanes_are_taken_gets_the_emptiest(queued):
    # Given a lane for each of eight owners, and one of them with one job only
    for n in LANES:
        for _ in range(1 if n == 3 else 5):
            queued(f"owner-{n}")
    # When a ninth comes, Then he shares that lane, and stays there
    assert [lane(queued("ninth")) for _ in range(3)] == [3, 3, 3]


def test_a_lane_is_free_again_when_its_jobs_have_been_taken(records, redis, queued, claim):
    # Given an owner whose only job was taken
    record = queued("ann")
    claim(record)
    # Then nothing of it is left in the queues, and the next owner is given the lane
    assert redis.smembers(QUEUES) == set()
    assert lane(queued("bob")) == lane(record)


def test_jobs_of_other_needs_and_priorities_take_no_lane_away(queued):
    assert [lane(queued("ann")), lane(queued("bob"))] == [0, 1]
    assert [lane(queued("bob", device="cpu")), lane(queued("bob", priority="high"))] == [0, 0]


def test_a_job_that_is_given_back_comes_to_the_front_of_its_lane(
    records, attempts, lanes, queued, claim
):
    # Given a job that runs, and others of both owners
    queued("ann")
    running = queued("bob")
    waiting = [queued("bob"), queued("ann")]
    # When it is given back
    attempts.give_back(claim(running), DRAIN, counts="")
    # Then it is before those of its own lane, and in turn with those of the other
    assert records.get(running.id).queue == running.queue
    assert lanes.place(records.get(running.id)) == Place(before=0, beside=2, above=0)
    assert lanes.place(waiting[0]) == Place(before=1, beside=2, above=0)


def test_a_place_tells_what_else_may_go_first(records, lanes, queued):
    # Given jobs of two owners with three priorities, and one with another need
    for priority, owners in {"high": "ab", "normal": "aab", "low": "ba"}.items():
        jobs = [queued(owner, priority=priority) for owner in owners]
    queued("c", device="gpu", priority="high")
    # Then the last one's place counts its lane, the other lanes, and the higher priorities
    assert lanes.place(jobs[-1]) == Place(before=0, beside=1, above=5)


def test_a_retried_job_gets_a_lane_as_a_new_one_does(records, changes, lanes, redis, queued, claim):
    # Given a job that was cancelled, whose lane has become another's
    record = queued("ann")
    changes.cancel(record)
    assert lane(queued("bob")) == lane(record)
    # When it is retried, with a job of its owner already waiting elsewhere
    other = queued("ann")
    assert changes.retry(records.get(record.id), fresh=False) == "retried"
    # Then it is behind that one
    again = records.get(record.id)
    assert again.queue == other.queue != record.queue
    assert lanes.place(again) == Place(before=1, beside=1, above=0)
    # And cancelling it by what was known before finds it there
    assert changes.cancel(record) == "cancelled"
    assert redis.smembers(QUEUES) == {other.queue, record.queue}
    assert lanes.place(other) == Place(before=0, beside=1, above=0)


def test_what_is_brought_back_from_the_volume_keeps_lane_and_priority(
    records, lanes, redis, queued, claim
):
    # Given a job of low priority in the second lane, that runs, and a copy of its record
    queued("ann", priority="low")
    record = queued("bob", priority="low", min_gpu_memory="20GiB", gpus=2)
    claim(record)
    copy = to_be_restored(records.get(record.id))
    # When Redis has lost all, and the job is restored
    redis.flushall()
    assert records.restore(copy)
    # Then it waits where it was
    restored = records.get(record.id)
    assert restored.queue == record.queue
    assert restored.priority == "low"
    assert lanes.queues() == [record.queue]
    assert [lost.id for lost in without_message(records, record.queue, -1)] == [record.id]


def test_a_record_says_what_the_job_needs(records, queued):
    record = queued("ann", min_gpu_memory="20GiB", gpus=2, priority="high")
    assert record.queue == "fitq.v1.2gpu-20g.high.0"
    assert (record.device, record.needs.min_gpu_memory, record.needs.gpus) == ("gpu", 20 * GIB, 2)
    assert record.public()["priority"] == "high"
    assert JobRecord.from_fields(record.to_fields()) == record


def test_a_record_that_names_a_list_of_others_is_passed_over(records, lanes, redis, queued):
    """A worker sends a lost message to whatever queue the record names."""
    bad, good = queued("ann"), queued("bob")
    redis.hset(job_key(bad.id), "queue", "fitq:jobs")
    assert [record.id for record in records.all()] == [good.id]
    assert replace(good, queue="x").queue not in lanes.queues()


def test_queues_of_another_version_are_not_looked_at(records, lanes, redis, queued):
    record = queued("ann")
    redis.sadd(QUEUES, "fitq.v99.any.normal.0", "junk")
    assert lanes.queues() == [record.queue]


def test_who_cancels_while_the_job_is_retried_finds_it_in_its_new_lane(
    records, changes, lanes, redis, queued, monkeypatch
):
    # Given a job that was retried into another lane after somebody had looked its queue up
    record = queued("ann")
    changes.cancel(record)
    queued("bob")
    assert changes.retry(records.get(record.id), fresh=False) == "retried"
    look_up, looked_up = Lanes.of_job, [record.queue]
    monkeypatch.setattr(
        Lanes, "of_job", lambda lanes, job: looked_up.pop() if looked_up else look_up(lanes, job)
    )
    # When they cancel it
    assert changes.cancel(record) == "cancelled"
    # Then it waits nowhere any more
    assert redis.keys("fitq:queued:*") == [queued_key(record.queue)]
    assert lanes.queues() == [record.queue]


def test_a_job_that_waited_until_it_was_due_is_looked_after_again(
    records, changes, attempts, lanes, redis, queued, claim
):
    # Given a job that is to be tried again later
    record = queued("ann")
    fault = Reason("store", "the volume is full")
    assert attempts.give_back(claim(record), fault, counts="fault") == "delayed"
    assert lanes.queues() == []
    # When it is due, and sent
    redis.zadd(DELAYED, {record.id: 1.0})
    [due] = records.due()
    assert changes.may_resend(due)
    # Then its queue is one of those in which jobs wait
    assert lanes.queues() == [record.queue]


def test_a_queue_is_in_use_for_as_long_as_a_job_waits_in_it(
    records, changes, attempts, lanes, queued, claim
):
    # Given one job, and nothing else
    record = queued("ann")
    assert lanes.queues() == [record.queue]
    # When it is taken, given back, cancelled and retried
    attempt = claim(record)
    taken = lanes.queues()
    attempts.give_back(attempt, DRAIN, counts="")
    given_back = lanes.queues()
    changes.cancel(record)
    cancelled = lanes.queues()
    changes.retry(records.get(record.id), fresh=False)
    # Then reapers look at its queue whenever it waits there, and only then
    assert (taken, given_back, cancelled) == ([], [record.queue], [])
    assert lanes.queues() == [record.queue]
