"""`drain`, and what `workers` shows of it. The workers are announcements of this test."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from fitq.queue import AWAY, Queue
from fitq_shared.workers import WorkerInfo, announce, drain_order, withdraw, worker_key
from support.proxy import Proxy
from support.waiting import wait_until

pytestmark = pytest.mark.services

BLUE = WorkerInfo("token-1", "blue@host-1", "host-1", 1, "cpu", "4 cores", "ready", "0.1.0", 1.0)
CYAN = replace(BLUE, token="token-2", name="cyan@host-1", pid=2)
CORAL = replace(BLUE, token="token-3", name="coral@host-2", pid=3)


@pytest.fixture
def there(redis, queue):
    def make(*workers):
        for worker in workers:
            announce(redis, worker, 60)

    return make


@pytest.fixture
def busy(redis, records, train_job, claim):
    """The worker of a running job."""
    token = claim(records.create(train_job())).token
    return replace(BLUE, token=token)


@pytest.fixture
def obey(redis):
    """Workers that leave when they are told to, as threads."""
    threads = []

    def start(*workers):
        def leave(token):
            wait_until(lambda: drain_order(redis, token), 60, "an order to leave")
            withdraw(redis, token)

        for worker in workers:
            threads.append(threading.Thread(target=leave, args=(worker.token,)))
            threads[-1].start()

    yield start
    for thread in threads:
        thread.join()


def test_a_worker_is_told_to_leave_and_waited_for(fitq, there, busy, obey):
    # Given a worker with a job, and one without
    there(busy, CYAN)
    obey(busy, CYAN)

    # When both are drained, one of them by the beginning of its name
    ran = fitq("drain", "blue@host-1", "cy")

    # Then it is said what becomes of the job, and that they have left
    assert ran.code == 0
    said = ran.out.splitlines()
    assert said[:2] == [
        "blue@host-1  draining: its job brave-otter goes back to the front of the queue",
        "cyan@host-1  draining: it has no job, and leaves now",
    ]
    assert sorted(said[2:]) == ["blue@host-1  has left", "cyan@host-1  has left"]


def test_a_worker_that_only_falls_silent_has_not_left(fitq, there, obey, redis):
    # Given a worker that leaves when it is told to, and one that is killed
    there(BLUE, CYAN)
    obey(CYAN)

    def kill() -> None:
        wait_until(lambda: drain_order(redis, BLUE.token), 60, "an order to leave")
        redis.delete(worker_key(BLUE.token))  # nobody renews it

    killing = threading.Thread(target=kill)
    killing.start()

    # When both are drained
    ran = fitq("drain", "--all")
    killing.join()

    # Then only one of them is said to have left
    assert ran.code == 1
    assert sorted(ran.out.splitlines()[2:]) == [
        *("blue@host-1  stopped answering", "cyan@host-1  has left"),
    ]


def test_waiting_for_workers_to_leave_outlives_an_outage(
    fitq, there, redis, redis_server, monkeypatch
):
    # Given a worker that leaves while Redis cannot be reached
    proxy = Proxy(redis_server.port)
    monkeypatch.setenv("FITQ_REDIS_URL", f"redis://127.0.0.1:{proxy.port}/0")
    there(BLUE)
    patient = Queue.patient
    monkeypatch.setattr(
        Queue, "patient", lambda self: patient(self, lambda text: text == AWAY and proxy.accept())
    )

    def leave() -> None:
        wait_until(lambda: drain_order(redis, BLUE.token), 60, "an order to leave")
        wait_until(lambda: proxy.connections == 2, 60, "somebody who waits")
        proxy.refuse()
        withdraw(redis, BLUE.token)

    leaving = threading.Thread(target=leave)
    leaving.start()

    # When it is drained
    ran = fitq("drain", "blue")
    leaving.join()
    proxy.stop()

    # Then that is noticed once Redis is back
    assert ran.code == 0
    assert ran.out.splitlines()[1:] == ["blue@host-1  has left"]


def test_after_its_job_it_may_leave(fitq, there, busy, redis):
    there(busy, CYAN)
    ran = fitq("drain", "blue", "--after-job", "--no-wait")
    assert ran.code == 0
    assert ran.out == "blue@host-1  draining: it leaves when its job brave-otter has ended\n"
    assert drain_order(redis, busy.token) == "after-job"
    assert drain_order(redis, CYAN.token) is None


def test_all_workers_are_told(fitq, there, busy, redis):
    there(busy, CYAN)
    ran = fitq("drain", "--all", "--no-wait", "--json")
    assert ran.code == 0
    assert ran.json == [
        {
            **{"name": "blue@host-1", "host": "host-1", "pid": 1, "mode": "now"},
            **{"job": "brave-otter", "left": False},
        },
        {
            **{"name": "cyan@host-1", "host": "host-1", "pid": 2, "mode": "now"},
            **{"job": None, "left": False},
        },
    ]
    assert {drain_order(redis, worker.token) for worker in (busy, CYAN)} == {"now"}


def test_without_workers_there_is_nothing_to_drain(queue, fitq):
    ran = fitq("drain", "--all")
    assert (ran.code, ran.out) == (0, "")
    assert "no workers to drain" in ran.err


def test_of_workers_that_share_a_name_the_one_with_the_device_leaves(fitq, there, redis):
    # Given a worker, and one that waits for its device
    there(CYAN, replace(CYAN, token="token-9", state="waiting"))
    # When that name is drained
    assert fitq("drain", "cyan@host-1", "--no-wait").code == 0
    # Then the other one may have the device
    assert drain_order(redis, "token-2") == "now"
    assert drain_order(redis, "token-9") is None


def test_wrong_names_are_all_named_and_nobody_leaves(fitq, there, redis):
    there(BLUE, CYAN, CORAL)
    ran = fitq("drain", "blue", "c", "blu@host-1", "zzz")
    assert ran.code == 2
    assert "several workers begin with 'c': coral@host-2, cyan@host-1" in ran.err
    assert "there is no worker 'blu@host-1'; did you mean 'blue@host-1'" in ran.err
    assert "there is no worker 'zzz'\n" in ran.err
    assert "try: see `fitq workers`" in ran.err
    assert drain_order(redis, BLUE.token) is None


@pytest.mark.parametrize("arguments", [[], ["blue", "--all"]])
def test_either_workers_or_all(queue, fitq, arguments):
    ran = fitq("drain", *arguments)
    assert ran.code == 2
    assert "give either workers or --all" in ran.err


def test_workers_that_leave_are_listed_so(fitq, there, busy, redis):
    # Given a worker that leaves after its job, one that says that it leaves, and one that stays
    there(busy, replace(CYAN, state="draining"), CORAL)
    assert fitq("drain", "blue", "--after-job", "--no-wait").code == 0
    # When the workers are listed
    listed = fitq("workers", "--json").json
    # Then it is seen who leaves, and what is still done
    assert [(w["name"], w["state"], w["job"]) for w in listed] == [
        ("blue@host-1", "draining", "brave-otter"),
        ("coral@host-2", "idle", None),
        ("cyan@host-1", "draining", None),
    ]


def test_a_worker_that_takes_other_jobs_than_ours_is_listed_so(fitq, there):
    there(BLUE, replace(CYAN, schema=7))
    blue, cyan = fitq("workers").out.splitlines()[1:]
    assert blue.rstrip().endswith("0.1.0")
    assert cyan.rstrip().endswith("0.1.0, takes jobs of version 7 (here: 1)")
    assert [worker["schema"] for worker in fitq("workers", "--json").json] == [1, 7]
