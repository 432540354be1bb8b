from __future__ import annotations

from dataclasses import replace

import pytest

from fitq_shared.workers import WORKERS, WorkerInfo, announce, list_workers, withdraw, worker_key
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
def test_which_jobs_a_worker_serves(device, need, serves):
    assert replace(BLUE, device=device).serves(need) is serves
