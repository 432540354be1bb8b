"""What the tests of `fitq_shared` share: specs, records, leases and running attempts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fitq_shared.attempts import Attempts
from fitq_shared.changes import Changes
from fitq_shared.lanes import Lanes
from fitq_shared.lease import Lease
from fitq_shared.record import Attempt, JobRecord
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.specs.train import TrainJob
from fitq_shared.store import Store


@pytest.fixture
def train_values() -> dict[str, Any]:
    """The least that a training job needs, as a user would write it."""
    return {
        "kind": "train",
        "name": "brave-otter",
        "owner": "ann",
        "dataset": "mnist",
        "model": "mlp",
    }


@pytest.fixture
def train_job(train_values: dict[str, Any]) -> Callable[..., TrainJob]:
    """Make training jobs that differ in the fields given."""

    def make(**changes: Any) -> TrainJob:
        return TrainJob.parse({**train_values, **changes})

    return make


@pytest.fixture
def records(redis: Redis) -> Records:
    return Records(redis)


@pytest.fixture
def attempts(records: Records) -> Attempts:
    return Attempts(records)


@pytest.fixture
def changes(records: Records) -> Changes:
    return Changes(records)


@pytest.fixture
def lanes(redis: Redis) -> Lanes:
    return Lanes(redis)


@pytest.fixture
def hold(redis: Redis) -> Callable[..., Lease]:
    """Acquire the lease of a worker, one device for each."""

    def acquire(token: str = "worker-1", seconds: float = 60.0) -> Lease:
        lease = Lease(redis, f"cpu:host:{token}", token, seconds)
        assert lease.acquire()
        return lease

    return acquire


@pytest.fixture
def claim(attempts: Attempts, hold: Callable[..., Lease]) -> Callable[..., Attempt]:
    """Claim a queued job for a worker that holds its lease."""

    def take(record: JobRecord, token: str = "worker-1", threads: int = 2) -> Attempt:
        lease = hold(token)
        attempt = attempts.claim(
            *(record.id, record.attempt, record.spec_hash, lease),
            worker=token,
            device_name="2 cores",
            threads=threads,
        )
        assert isinstance(attempt, Attempt), attempt
        return attempt

    return take


@pytest.fixture
def store(tmp_path: Path) -> Store:
    folder = tmp_path / "store"
    folder.mkdir()
    return Store(str(folder))
