"""A worker alone loses its way to Redis, while its device is given to another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fitq.queue import Queue
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.redis_link import Redis
from fitq_shared.settings import Settings
from support.broken_jobs import assert_published_once, submit_long
from support.jobs import training, wait_for_epoch
from support.proxy import Proxy
from support.redis_server import RedisServer
from support.waiting import wait_until
from support.worker import Worker

pytestmark = pytest.mark.soak


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    made = Proxy(redis_server.port)
    yield made
    made.stop()


def start(settings: Settings, folder: Path, lease_seconds: float, **environment: str) -> Worker:
    core = str(min(os.sched_getaffinity(0)))
    return Worker(replace(settings, lease_seconds=lease_seconds), folder, core, **environment)


def test_two_attempts_on_one_device_publish_once(
    queue: Queue, settings: Settings, proxy: Proxy, tmp_path: Path
) -> None:
    # Given a training, and another worker that waits for the same core
    url = f"redis://127.0.0.1:{proxy.port}/0"
    first = start(replace(settings, redis_url=url), tmp_path, 3.0).wait_until_ready()
    second = start(settings, tmp_path, 3.0)
    try:
        wait_until(lambda: second.info and second.info.state == "waiting", 60, "one that waits")
        record = submit_long(queue)
        wait_for_epoch(queue, record)
        # When the first is cut off until the other has taken its core, and its job
        proxy.refuse()
        wait_until(lambda: queue.job(record.id).attempt == 2, 120, "the second attempt")
        # Then it has gone on meanwhile, and when it comes back, it leaves by itself
        assert first.process.poll() is None
        proxy.accept()
        assert first.process.wait(timeout=60) == 1
        assert "another worker holds" in first.text()
        # And one result is published, that of the second
        assert_published_once(queue, record, attempt=2)
        assert second.info is not None
        assert queue.job(record.id).worker == second.info.name
    finally:
        first.stop()
        second.stop()


def test_a_worker_that_stays_cut_off_leaves_its_job_to_others(
    queue: Queue, settings: Settings, redis: Redis, proxy: Proxy, tmp_path: Path
) -> None:
    # Given a training that would go on for very long
    url = f"redis://127.0.0.1:{proxy.port}/0"
    first = start(replace(settings, redis_url=url), tmp_path, 1.0).wait_until_ready()
    second: Worker | None = None
    try:
        record = queue.submit(training(queue, epochs=100_000))
        wait_for_epoch(queue, record)
        # When its worker has been cut off for twenty terms of its lease
        proxy.refuse()
        # Then it leaves, with the code for a queue that cannot be reached
        assert first.process.wait(timeout=90) == 3
        assert "no contact to Redis" in first.text()
        # And its job is as it was, with a checkpoint
        kept = queue.job(record.id)
        assert (kept.state, kept.attempt) == ("running", 1)
        folder = Path(queue.artifacts.store.locate(f"jobs/{record.id}/attempt-1"))
        assert list((folder / AttemptFolder.checkpoints).glob("*.npz"))
        # And another worker goes on from there
        second = start(settings, tmp_path, 3.0)
        wait_for_epoch(queue, record, attempt=2)
        log = queue.artifacts.folder(queue.job(record.id)).read(AttemptFolder.log).decode()
        assert "goes on at epoch" in log
        queue.cancel(record)
    finally:
        first.stop()
        if second:
            second.stop()
