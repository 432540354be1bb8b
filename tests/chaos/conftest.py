"""Workers on an empty queue, and the data sets already at hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fitq.queue import Queue
from fitq_shared.settings import Settings
from support.jobs import training
from support.worker import Worker

StartWorker = Callable[..., Worker]


@pytest.fixture(scope="session")
def filled_cache(session_settings: Settings, shared_worker: Worker) -> Path:
    """The data sets, loaded once, so that no test here has to wait for them."""
    client = Queue(session_settings)
    record = client.wait(client.submit(training(client)), 120)
    assert record.state == "succeeded"
    return Path(session_settings.store_url or "") / "datasets"


@pytest.fixture
def queue(settings: Settings, filled_cache: Path) -> Queue:
    """A client of this test's own empty queue, with the data sets at hand."""
    (Path(settings.store_url or "") / "datasets").symlink_to(filled_cache)
    return Queue(settings)


@pytest.fixture
def two_workers(queue: Queue, start_worker: StartWorker) -> list[Worker]:
    """Two workers, each on a core of its own."""
    first, second = sorted(os.sched_getaffinity(0))[:2]
    workers = [start_worker(str(first)), start_worker(str(second))]
    return [worker.wait_until_ready() for worker in workers]
