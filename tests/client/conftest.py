"""What the tests of the command line share: an empty queue, and jobs in it without a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.attempts import Attempts
from fitq_shared.lease import Lease
from fitq_shared.record import Attempt, JobRecord
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.rows_used import RowsUsed
from fitq_shared.settings import Settings
from fitq_shared.specs.base import JobSpec
from fitq_shared.specs.train import TrainJob
from fitq_shared.store import Store


@pytest.fixture
def queue(nowhere: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An empty queue and an empty store, which the environment names. No worker."""
    monkeypatch.setenv("FITQ_REDIS_URL", settings.redis_url)
    monkeypatch.setenv("FITQ_STORE", settings.store_url or "")
    return replace(settings, owner="ann")


@pytest.fixture
def records(redis: Redis) -> Records:
    return Records(redis)


@pytest.fixture
def store(queue: Settings) -> Store:
    return Store(queue.store_url or "")


@pytest.fixture
def train_job() -> Callable[..., TrainJob]:
    """Make training jobs that differ in the fields given."""

    def make(**changes: Any) -> TrainJob:
        least = {"kind": "train", "owner": "ann", "dataset": "mnist", "model": "mlp"}
        return TrainJob.parse({"name": "brave-otter", **least, **changes})

    return make


@pytest.fixture
def claim(redis: Redis, records: Records) -> Callable[[JobRecord], Attempt]:
    """Claim a queued job, as a worker does."""

    def take(record: JobRecord) -> Attempt:
        lease = Lease(redis, f"cpu:host:{record.id}", f"token-{record.id}", 60)
        assert lease.acquire()
        attempt = Attempts(records).claim(
            *(record.id, record.attempt, record.spec_hash, lease),
            worker="blue",
            device_name="4 cores",
            threads=4,
        )
        assert isinstance(attempt, Attempt), attempt
        return attempt

    return take


@pytest.fixture
def succeeded(
    store: Store,
    records: Records,
    claim: Callable[[JobRecord], Attempt],
    train_job: Callable[..., TrainJob],
) -> Callable[..., JobRecord]:
    """Make a job that has succeeded with these artifacts, without any worker."""

    def make(
        spec: JobSpec | None = None,
        artifacts: Mapping[str, bytes | str] | None = None,
        metrics: Mapping[str, float] | None = None,
        rows_used: RowsUsed | None = None,
    ) -> JobRecord:
        record = records.create(spec or train_job())
        attempt = claim(record)
        folder = AttemptFolder(store, record.id, record.attempt)
        for name, content in (artifacts or {AttemptFolder.model: b"a model"}).items():
            folder.write(name, content)
        numbers = metrics or {"val_accuracy": 0.9876}
        model_name = record.spec.get("model_name")
        assert Attempts(records).succeed(
            *(attempt, folder.seal(), numbers, model_name), rows_used=rows_used
        )
        return records.get(record.id)

    return make
