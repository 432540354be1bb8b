"""Which job is taken next, from a real Redis: by priority, owners in turn, by what it needs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fitq.drafts import complete
from fitq.queue import Queue
from fitq_shared.celery_app import make_app
from fitq_shared.queues import GIB
from fitq_shared.record import JobRecord
from fitq_shared.redis_link import Redis
from fitq_shared.settings import Settings
from fitq_shared.workers import WorkerInfo
from support.jobs import wait_for_state
from support.plain_worker import plain_worker
from support.worker import Worker

pytestmark = pytest.mark.services

Submit = Callable[..., JobRecord]


@pytest.fixture
def submit(settings: Settings) -> Submit:
    """Submit a job of this owner, with these needs."""
    client = Queue(settings)

    def run(owner: str = "ann", **needs: Any) -> JobRecord:
        values = {"kind": "describe", "dataset": "mnist", "owner": owner, **needs}
        return client.submit(complete(values, settings))

    return run


def in_order_of_start(settings: Settings) -> list[JobRecord]:
    """The jobs that were started, in the order in which Redis noted it."""
    started = [record for record in Queue(settings).jobs() if record.started is not None]
    return sorted(started, key=lambda record: record.started or 0.0)


def test_one_owner_s_many_jobs_do_not_keep_another_s_one_waiting(
    settings: Settings, submit: Submit
) -> None:
    # Given 200 jobs of ann, of which a worker has taken some
    for _ in range(200):
        submit("ann")
    with plain_worker(settings, "cpu") as worker:
        for _ in range(5):
            worker.take()
        # When bob submits one, and then cat
        bob, cat = submit("bob"), submit("cat")
        # Then theirs are among the next three
        assert {bob.id, cat.id} <= {worker.take() for _ in range(3)}
        # And ann's go on in the order in which they came
        worker.take()
    order = in_order_of_start(settings)
    assert [record.owner for record in order].count("ann") == 7
    anns = [record.created for record in order if record.owner == "ann"]
    assert anns == sorted(anns)


def test_under_a_load_of_high_jobs_a_low_one_ends(settings: Settings, submit: Submit) -> None:
    # Given high jobs, of which there is always a next one, and a low and a normal one
    for _ in range(3):
        submit("ann", priority="high")
    low, normal = submit("bob", priority="low"), submit("bob", priority="normal")
    with plain_worker(settings, "cpu") as worker:
        # When twelve jobs are taken
        taken = []
        for _ in range(12):
            submit("ann", priority="high")
            taken.append(worker.take())
    # Then both are among them, and the others were high
    assert {low.id, normal.id} <= set(taken)
    assert Queue(settings).job(low.id).state == "succeeded"
    order = in_order_of_start(settings)
    assert [record.id for record in order] == taken
    assert [record.priority for record in order].count("high") == 10
    assert [record.priority for record in order[:2]] == ["high", "high"]


def test_high_goes_before_normal_before_low(settings: Settings, submit: Submit) -> None:
    # Given one job of each priority, the lowest first
    jobs = [submit("ann", priority=priority).id for priority in ("low", "normal", "high")]
    # When they are taken, Then it is in the order of their priorities
    with plain_worker(settings, "cpu") as worker:
        assert [worker.take() for _ in jobs] == jobs[::-1]


def test_a_job_goes_only_to_a_gpu_with_memory_enough(settings: Settings, submit: Submit) -> None:
    # Given jobs that need more and less memory, and one that needs none
    large = submit(min_gpu_memory="20GiB")
    small = submit(min_gpu_memory="10GiB")
    plain, anything = submit(device="gpu"), submit()
    # When a worker with a T4, which has 15 GiB, takes all that it may
    with plain_worker(settings, "gpu", 15 * GIB) as worker:
        taken = [worker.take() for _ in range(3)]
    # Then what needs more is left
    assert set(taken) == {small.id, plain.id, anything.id}
    assert Queue(settings).place(large) is not None
    # And a worker with an L4, which has 22.5 GiB, takes it
    with plain_worker(settings, "gpu", 23_034 * 2**20) as worker:
        assert worker.take() == large.id


def test_a_job_for_two_gpus_goes_only_to_a_worker_that_holds_two(
    settings: Settings, submit: Submit, redis: Redis
) -> None:
    # Given jobs for one, two and three GPUs, two of them with a need of memory
    one, three = submit(gpus=1), submit(gpus=3)
    two, two_large = submit(gpus=2), submit(gpus=2, min_gpu_memory="70GiB")
    # When workers with two GPUs take what they may
    with plain_worker(settings, "gpu", 24 * GIB, 2) as worker:
        assert worker.take() == two.id
    with plain_worker(settings, "gpu", 80 * GIB, 2) as worker:
        assert worker.take() == two_large.id
    # Then the others wait for workers with one and with three
    assert [redis.llen(record.queue) for record in (one, three)] == [1, 1]
    with plain_worker(settings, "gpu", 80 * GIB) as worker:
        assert worker.take() == one.id
    with plain_worker(settings, "gpu", 8 * GIB, 3) as worker:
        assert worker.take() == three.id


@pytest.mark.parametrize(
    ("device", "memory", "devices", "needs", "serves"),
    [
        ("gpu", 15 * GIB, 1, {"min_gpu_memory": "16GB"}, True),
        ("gpu", 15 * GIB, 1, {"min_gpu_memory": "20GiB"}, False),
        ("gpu", None, 1, {"min_gpu_memory": "4GiB"}, False),
        ("gpu", 80 * GIB, 2, {"gpus": 2}, True),
        ("gpu", 80 * GIB, 2, {"gpus": 2, "min_gpu_memory": "80GB"}, True),
        ("gpu", 80 * GIB, 2, {"device": "gpu"}, False),
        ("gpu", 80 * GIB, 1, {"gpus": 2}, False),
        ("cpu", None, 1, {"min_gpu_memory": "4GiB"}, False),
    ],
)
def test_what_a_worker_says_of_itself_tells_what_it_serves(
    submit: Submit, device: Any, memory: int, devices: int, needs: dict[str, Any], serves: bool
) -> None:
    info = WorkerInfo("t", "blue", "h", 1, device, "x", "ready", "0", 1.0)
    told = WorkerInfo(**{**info.__dict__, "memory": memory, "devices": devices})
    record = submit(**needs)
    assert told.serves(record.needs, record.schema) is serves


def test_a_real_worker_takes_owners_in_turn_and_the_highest_first(
    settings: Settings,
    session_settings: Settings,
    client: Queue,
    submit: Submit,
    start_worker: Callable[..., Worker],
) -> None:
    # Given many jobs of ann, and then one each of other owners and priorities
    filling = complete({"kind": "describe", "dataset": "mnist"}, client.settings)
    assert client.wait(client.submit(filling), 120).state == "succeeded"
    cache = Path(session_settings.store_url or "") / "datasets"
    (Path(settings.store_url or "") / "datasets").symlink_to(cache)
    jobs = [submit("ann") for _ in range(10)]
    bob, high, low = submit("bob"), submit("ann", priority="high"), submit("ann", priority="low")
    # When a worker comes and runs them all
    worker = start_worker(str(min(os.sched_getaffinity(0)))).wait_until_ready()
    queue = Queue(settings)
    for record in (*jobs, bob, high, low):
        assert wait_for_state(queue, record, "succeeded", "failed").state == "succeeded"
    # Then the high one was first, bob's soon, and the low one not the last
    order = [record.id for record in in_order_of_start(settings)]
    assert order[0] == high.id
    assert bob.id in order[1:3]
    assert order.index(low.id) < len(jobs)
    assert [job for job in order if job in {r.id for r in jobs}] == [r.id for r in jobs]
    assert "fitq.v1.cpu.*" in worker.text()
    # And it tells its state, the order of its queues included, to whoever watches
    stats = make_app(settings).control.inspect(timeout=30, limit=1).stats()
    assert [told["broker"]["transport_options"]["priority_steps"] for told in stats.values()] == [
        [0]
    ]
