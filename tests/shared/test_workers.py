from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from fitq_shared.schema import SCHEMA_VERSION
from fitq_shared.workers import (
    WORKERS,
    WorkerInfo,
    announce,
    ask_to_drain,
    drain_order,
    list_workers,
    withdraw,
    worker_key,
)
from support.waiting import wait_until

pytestmark = pytest.mark.services

BLUE = WorkerInfo(
    token="token-1",
    name="blue",
    host="host-1",
    pid=123,
    device="cpu",
    device_name="4 cores",
    state="ready",
    version="0.1.0",
    since=1000.5,
)
AMBER = replace(BLUE, token="token-2", name="amber", device="gpu", state="waiting")


def test_without_workers_the_list_is_empty(redis):
    assert list_workers(redis) == []


def test_workers_are_listed_by_name_as_they_announced_themselves(redis):
    announce(redis, BLUE, 60)
    announce(redis, AMBER, 60)
    assert list_workers(redis) == [AMBER, BLUE]


def test_a_worker_that_announces_itself_again_is_listed_once_as_it_is_now(redis):
    announce(redis, AMBER, 60)
    announce(redis, replace(AMBER, state="ready"), 60)
    assert [worker.state for worker in list_workers(redis)] == ["ready"]


def test_a_worker_that_has_left_is_gone_at_once(redis):
    announce(redis, BLUE, 60)
    announce(redis, AMBER, 60)
    withdraw(redis, AMBER.token)
    assert list_workers(redis) == [BLUE]
    assert not redis.exists(worker_key(AMBER.token))


def test_a_worker_that_falls_silent_is_forgotten(redis):
    # Given a worker that stays, and one that says nothing any more
    announce(redis, BLUE, 60)
    announce(redis, AMBER, 0.05)
    wait_until(lambda: not redis.exists(worker_key(AMBER.token)), 20, "the end of its word")

    # When the workers are listed
    # Then only the first is there, and nothing is left of the other
    assert list_workers(redis) == [BLUE]
    assert redis.smembers(WORKERS) == {BLUE.token}


@pytest.mark.parametrize(
    ("device", "need", "serves"),
    [
        ("cpu", "any", True),
        ("cpu", "cpu", True),
        ("cpu", "gpu", False),
        ("gpu", "any", True),
        ("gpu", "cpu", False),
        ("gpu", "gpu", True),
    ],
)
def test_which_jobs_a_worker_serves(records, train_job, device, need, serves):
    record = records.create(train_job(device=need))
    assert replace(BLUE, device=device).serves(record.needs, record.schema) is serves


def test_a_worker_does_not_serve_jobs_of_another_version(records, train_job):
    record = replace(records.create(train_job()), schema=SCHEMA_VERSION + 1)
    assert not BLUE.serves(record.needs, record.schema)
    assert replace(BLUE, schema=SCHEMA_VERSION + 1).serves(record.needs, record.schema)


def test_what_a_newer_worker_says_beyond_what_we_know_is_left_out(redis):
    """So that `fitq workers` does not break while a stack is brought to a new release."""
    # Given the announcement of a worker of a later release
    text = json.dumps({**asdict(BLUE), "favourite_colour": "green", "limits": {"a": [1]}})
    redis.set(worker_key(BLUE.token), text)
    redis.sadd(WORKERS, BLUE.token)
    # Then it is listed with all that we know
    assert list_workers(redis) == [BLUE]


def test_what_an_older_worker_does_not_say_has_its_default():
    said = asdict(BLUE)
    del said["schema"]
    assert WorkerInfo.from_text(json.dumps(said)).schema == SCHEMA_VERSION


@pytest.mark.parametrize("mode", ["now", "after-job"])
def test_one_worker_is_told_to_leave_and_no_other(redis, mode):
    # Given two workers
    for info in (BLUE, AMBER):
        announce(redis, info, 60)
        assert drain_order(redis, info.token) is None
    # When one is told to leave
    ask_to_drain(redis, BLUE, mode)
    # Then it hears how, and the other nothing
    assert drain_order(redis, BLUE.token) == mode
    assert drain_order(redis, AMBER.token) is None


def test_an_order_to_leave_may_be_changed_and_goes_with_the_worker(redis):
    announce(redis, BLUE, 60)
    ask_to_drain(redis, BLUE, "after-job")
    ask_to_drain(redis, BLUE, "now")
    assert drain_order(redis, BLUE.token) == "now"
    # When the worker has left, Then nothing of it is left in Redis
    withdraw(redis, BLUE.token)
    assert redis.keys("*") == []


def test_an_order_that_nobody_can_read_any_more_does_not_stay(redis):
    """The worker may be lost before it hears of it."""
    ask_to_drain(redis, BLUE, "now")
    assert [redis.ttl(key) > 0 for key in redis.keys("*")] == [True]


def test_an_order_that_we_do_not_know_is_none(redis):
    ask_to_drain(redis, BLUE, "tomorrow")
    assert drain_order(redis, BLUE.token) is None
