"""Small made-up data, an attempt that runs, and a model that was published."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.attempts import Attempts
from fitq_shared.catalogue import DatasetFacts
from fitq_shared.lease import Lease
from fitq_shared.record import Attempt
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.specs.base import ModelRef
from fitq_shared.specs.describe import DescribeJob
from fitq_shared.specs.train import TrainJob
from fitq_shared.store import Store
from fitq_worker.datasets.dataset import Dataset
from fitq_worker.identity import Identity

Pixels = NDArray[np.uint8]
TEN = tuple("0123456789")


@pytest.fixture
def identity() -> Identity:
    return Identity(
        token="a1b2",
        name="cpu0-1@here",
        host="here",
        device="cpu",
        device_name="CPU, 2 cores (0-1)",
        resource="cpu:here:0-1",
        threads=2,
    )


@pytest.fixture
def raw_images() -> Pixels:
    return np.random.default_rng(3).integers(0, 256, (7, 28, 28), np.uint8)


@pytest.fixture
def numbered() -> Callable[[int, int], Dataset]:
    """A data set whose training row i is an image full of i, with label i modulo 10."""

    def make(rows: int, side: int = 4) -> Dataset:
        x = np.arange(rows, dtype=np.uint8)[:, None, None] * np.ones((1, side, side), np.uint8)
        y = (np.arange(rows) % 10).astype(np.uint8)
        facts = DatasetFacts(
            name="numbered",
            title="Numbered",
            image_shape=(side, side),
            class_names=tuple("0123456789"),
            rows={"train": rows, "test": rows},
            sums={},
        )
        return Dataset(facts, x, y, x, y)

    return make


@pytest.fixture
def attempt_folder(tmp_path: Path) -> AttemptFolder:
    return AttemptFolder(Store(str(tmp_path / "store")), "job", 1)


@pytest.fixture
def claim(identity: Identity) -> Callable[[Redis], Attempt]:
    """Queue a job on this Redis, and take it as a worker does."""

    def take(redis: Redis) -> Attempt:
        records = Records(redis)
        record = records.create(DescribeJob(name="one", owner="tester", dataset="mnist"))
        lease = Lease(redis, identity.resource, identity.token, 600)
        assert lease.acquire()
        attempt = Attempts(records).claim(
            *(record.id, 1, record.spec_hash, lease),
            worker=identity.name,
            device_name=identity.device_name,
            threads=identity.threads,
        )
        assert isinstance(attempt, Attempt)
        return attempt

    return take


@pytest.fixture
def attempt(redis: Redis, claim: Callable[[Redis], Attempt]) -> Attempt:
    """An attempt that runs."""
    return claim(redis)


@pytest.fixture
def publish_model(tmp_path: Path) -> Callable[..., tuple[Store, ModelRef]]:
    """Keep a model, by default a small one, as a training does; any bytes will do as its file."""

    def publish(
        job: str = "job",
        *,
        content: bytes | None = None,
        model: Any = None,
        of: Any = None,
        **changes: Any,
    ) -> tuple[Store, ModelRef]:
        from fitq_worker.examples import Field
        from fitq_worker.models import build_model

        spec = TrainJob.parse(
            {
                "name": "brave-otter",
                "owner": "tester",
                "dataset": "fashion_mnist",
                "model": of or {"type": "mlp", "units": [2]},
                **changes,
            }
        )
        store = Store(str(tmp_path / "store"))
        folder = AttemptFolder(store, job, 1)
        folder.write_json(AttemptFolder.spec, json.loads(spec.canonical()))
        if content is None:
            model = model or build_model(
                spec.model, {"image": Field((28, 28), "uint8")}, Field((), "uint8", TEN)
            )
            model.save(folder.local(AttemptFolder.model))
        else:
            folder.write(AttemptFolder.model, content)
        reference = ModelRef(job=job, attempt=1, manifest=folder.seal(), name="brave-otter")
        return store, reference

    return publish


@pytest.fixture
def quick_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let trainings in this process draw nothing, and write checkpoints on leaving only."""
    from fitq_worker import checkpoint_writer
    from support.trainings import without_pictures

    without_pictures(monkeypatch.setattr)
    monkeypatch.setattr(checkpoint_writer, "EPOCH_SECONDS", 600.0)


@pytest.fixture
def start_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A training in this process on these examples, with fitq's mlp or a model that is built.

    Args:
        build: gives a model, or an OwnModel.
        at: sets the stores of several trainings apart.
    """
    from fitq_worker import training_data, training_model
    from fitq_worker.models.own import OwnModel
    from support.own_models import CODE
    from support.trainings import job

    def make(
        examples: Any, build: Callable[[], Any] | None = None, at: str = "", **changes: Any
    ) -> Any:
        monkeypatch.setattr(training_data, "load_examples", lambda *_, **__: examples)
        if build is not None:

            def make_own(*_: object) -> OwnModel:
                built = build()
                return built if isinstance(built, OwnModel) else OwnModel(built)

            monkeypatch.setattr(training_model, "make_own", make_own)
        values: dict[str, Any] = {
            "early_stopping": None,
            "dataset": {"name": "own", "version": 1, "manifest": "b" * 64},
            "model": CODE if build else {"type": "mlp", "units": [8]},
            "optimizer": {"name": "adam", "learning_rate": 0.02},
            "epochs": 3,
            "batch_size": 8,
        }
        return job(Store(str(tmp_path / f"store{at}")), **{**values, **changes})

    return make
