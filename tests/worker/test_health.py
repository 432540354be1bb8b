"""The command `fitq-worker-health`, and what it looks at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from fitq.queue import Queue
from fitq_shared.attempts import Attempts
from fitq_shared.lease import Lease
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.settings import Settings
from fitq_shared.specs.describe import DescribeJob
from fitq_shared.workers import WorkerInfo, announce
from fitq_worker import health
from fitq_worker.identity import Identity
from support.redis_server import free_port
from support.waiting import wait_until
from support.worker import Worker

PROGRAM = str(Path(sys.executable).parent / "fitq-worker-health")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PAUSE_SECONDS", 0.01)


def say(redis: Redis, identity: Identity, state: str) -> None:
    announce(redis, identity.info(state, 0.0), 60)


def said_to_be_ready(worker: Worker) -> WorkerInfo | None:
    """What a worker announces of itself, once that is that it is ready."""
    info = worker.info
    return info if info is not None and info.state == "ready" else None


def submit(redis: Redis, **changes: str) -> str:
    """A queued job without a message: nobody takes it."""
    spec = DescribeJob.parse({"name": "one", "owner": "tester", "dataset": "mnist", **changes})
    return Records(redis).create(spec).id


def test_a_worker_that_is_idle_is_well(
    settings: Settings, redis: Redis, identity: Identity
) -> None:
    say(redis, identity, "ready")
    assert health.fault(settings, identity.token) is None


def test_one_that_no_longer_renews_its_word_is_not(settings: Settings, identity: Identity) -> None:
    problem = health.fault(settings, identity.token)
    assert problem == "it has not renewed its word in Redis for 15 s"


def test_one_without_keras_is_not_ready(
    settings: Settings, redis: Redis, identity: Identity
) -> None:
    say(redis, identity, "starting")
    assert health.fault(settings, identity.token) == "it does not have Keras yet"


def test_one_that_leaves_a_job_waiting_is_not_well(
    settings: Settings, redis: Redis, identity: Identity
) -> None:
    # Given a worker that calls itself ready, and a job that nobody takes
    say(redis, identity, "ready")
    job = submit(redis)
    # Then it is well for as long as that may be
    assert health.fault(settings, identity.token) is None
    # And not well any more when the job has waited for too long
    problem = health.fault(settings, identity.token, patience=0)
    assert problem == f"it is idle, and the job {job} has waited for over 0 s"


@pytest.mark.parametrize("state", ["waiting", "draining"])
def test_one_that_takes_no_jobs_by_intent_is_well(
    settings: Settings, redis: Redis, identity: Identity, state: str
) -> None:
    # Given a job that waits, and a worker that waits for a device, or leaves
    submit(redis)
    say(redis, identity, state)
    # Then that is no fault of the worker's
    assert health.fault(settings, identity.token, patience=0) is None


def test_one_that_is_busy_is_well(
    settings: Settings, redis: Redis, identity: Identity, claim: Callable[[Redis], object]
) -> None:
    # Given a worker that runs a job, while another waits
    claim(redis)
    say(redis, identity, "ready")
    submit(redis)
    # Then the other's turn has not come
    assert health.fault(settings, identity.token, patience=0) is None


def test_a_job_for_another_device_is_not_this_worker_s(
    settings: Settings, redis: Redis, identity: Identity
) -> None:
    say(redis, replace(identity, device="cpu"), "ready")
    submit(redis, device="gpu")
    assert health.fault(settings, identity.token, patience=0) is None


def test_one_that_runs_many_short_jobs_is_well(
    settings: Settings, redis: Redis, identity: Identity
) -> None:
    # Given a worker that takes one job after the other, while more wait
    say(redis, identity, "ready")
    records, leave = Records(redis), threading.Event()
    lease = Lease(redis, identity.resource, identity.token, 600)
    assert lease.acquire()
    submit(redis)

    def work() -> None:
        while not leave.is_set():
            job = submit(redis)
            facts = {"worker": "w", "device_name": "d", "threads": 1}
            attempt = Attempts(records).claim(job, 1, records.get(job).spec_hash, lease, **facts)
            assert not isinstance(attempt, str)
            leave.wait(0.005)
            Attempts(records).succeed(attempt, "0" * 64, {})

    worker = threading.Thread(target=work)
    worker.start()
    # When it is looked at again and again, also between two jobs
    try:
        found = {health.fault(settings, identity.token, patience=0) for _ in range(20)}
    finally:
        leave.set()
        worker.join()
    # Then it is well
    assert found == {None}


def test_without_redis_nobody_is_blamed(identity: Identity) -> None:
    # A restart would cost the job in hand, and Redis would still be away
    assert health.fault(Settings(f"redis://127.0.0.1:{free_port()}"), identity.token) is None


def check(settings: Settings) -> tuple[int, str]:
    """(exit code, text) of the command."""
    environment = {
        **os.environ,
        "FITQ_REDIS_URL": settings.redis_url,
        "FITQ_LEASE_SECONDS": str(settings.lease_seconds),
    }
    done = subprocess.run(
        [PROGRAM], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_worker_is_found_before_and_after_it_has_its_device(
    settings: Settings, start_worker: Callable[..., Worker], redis: Redis
) -> None:
    # Given a worker, and one that waits for its cores
    core = str(min(os.sched_getaffinity(0)))
    first = start_worker(core).wait_until_ready()
    second = start_worker(core)
    wait_until(lambda: second.info and second.info.state == "waiting", 30, "one that waits")
    # Then both are found by what they call themselves in Redis, and both are well
    tokens = [worker.info.token for worker in (first, second) if worker.info]
    assert len(tokens) == 2
    assert set(tokens) <= health.workers_here()
    wait_until(lambda: first.info and first.info.state == "ready", 10, "one that is ready")
    assert [health.fault(settings, token) for token in tokens] == [None, None]


def test_a_worker_that_is_stopped_is_noticed(
    settings: Settings, start_worker: Callable[..., Worker]
) -> None:
    # Given a worker that is ready
    worker = start_worker().wait_until_ready()
    info = wait_until(lambda: worker.info, 10, "the worker's word")
    token = info.token if info else ""
    wait_until(lambda: health.fault(settings, token) is None, 10, "a worker that is well")
    # When its parent is stopped
    psutil.Process(worker.process.pid).suspend()
    # Then it is noticed when its word has run out
    wait_until(lambda: health.fault(settings, token), 30, "a worker that is not well")
    assert "has not renewed its word" in str(health.fault(settings, token))
    # And it is well again when it goes on
    worker.process.send_signal(signal.SIGCONT)
    wait_until(lambda: health.fault(settings, token) is None, 30, "a worker that is well")
    # And when it has ended, it is not here any more
    worker.stop()
    assert token not in health.workers_here()


def test_a_child_that_is_stopped_is_noticed(
    settings: Settings, start_worker: Callable[..., Worker]
) -> None:
    # Given a worker whose child does nothing, though its parent renews everything
    worker = start_worker().wait_until_ready()
    info = wait_until(lambda: said_to_be_ready(worker), 30, "the worker's word")
    token = info.token if info else ""
    child = worker.child()
    child.suspend()
    # When a job comes
    client = Queue(settings)
    record = client.submit(DescribeJob(name="one", owner="tester", dataset="mnist"))
    # Then the worker is not well as soon as the job has waited for too long
    problem = wait_until(lambda: health.fault(settings, token, patience=1), 60, "a fault")
    assert f"the job {record.id} has waited" in str(problem)
    child.resume()
    assert client.wait(record, 120).state == "succeeded"


def test_the_command_says_what_is_wrong_and_fails(
    settings: Settings, start_worker: Callable[..., Worker]
) -> None:
    worker = start_worker()
    wait_until(lambda: worker.info, 30, "the worker's word")
    code, text = check(settings)
    assert code == 1
    assert "unhealthy: it does not have Keras yet" in text
