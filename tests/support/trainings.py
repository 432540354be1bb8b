"""Trainings in this process, which a test stops where it likes and goes on with."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.catalogue import MNIST
from fitq_shared.queues import queue_for
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.specs.train import TrainJob
from fitq_shared.store import Store
from fitq_worker import training_data
from fitq_worker.array_examples import ArrayExamples
from fitq_worker.checkpoints import CheckpointFolder
from fitq_worker.examples import Examples
from fitq_worker.identity import Identity
from fitq_worker.job_context import JobContext
from fitq_worker.jobs import train
from fitq_worker.reporter import Reporter, StopJob

# 223 rows to train on in 45 batches, of which one call of the compiled step takes 15, and 56 rows
# to validate on in one call.
ROWS, BATCH_SIZE = 279, 5
CALLS, BATCHES_IN_CALL = 3, 15
# How often a training asks for orders before its first epoch: after the data, model and pictures.
PREPARING = 3

# A training asks no other record; it would find no server.
NO_RECORDS = Records(Redis())
WORKER = Identity("a1b2", "cpu0-1@here", "here", "cpu", "CPU", "cpu:here:0-1", 2)


def epoch_begin(epoch: int) -> int:
    """How often a training has asked for orders before it asks at the begin of this epoch."""
    return PREPARING + epoch * (CALLS + 2)


def after_call(epoch: int, call: int) -> int:
    """... before it asks after this call of the compiled step in this epoch."""
    return epoch_begin(epoch) + 1 + call


def in_validation(epoch: int) -> int:
    """... before it asks in this epoch's validation."""
    return after_call(epoch, CALLS)


class Orders(Reporter):
    """A line to no queue: gives one order when it is asked for the n-th time, counted from 0."""

    def __init__(self, order: str = "drain", at: int | None = None) -> None:
        self.epochs: list[int] = []
        self.places: list[tuple[int, int]] = []
        self._order = order
        self._at = at
        self.asked = 0

    def epoch(self, row: Mapping[str, float]) -> None:
        self.epochs.append(int(row["epoch"]))

    def progress(self, row: Mapping[str, float | str]) -> None:
        self.places.append((int(row["epoch"]), int(row["batch"])))

    def obey(self) -> None:
        asked, self.asked = self.asked, self.asked + 1
        if asked == self._at:
            raise StopJob(self._order)


@dataclass
class Job:
    """A training job, of which attempts are run one after the other."""

    store: Store
    spec: TrainJob
    attempt: int = 0
    first_attempt: int = 1
    reporters: list[Orders] = field(default_factory=list)

    @property
    def record(self) -> JobRecord:
        return JobRecord(
            id="job",
            name=self.spec.name,
            kind="train",
            owner=self.spec.owner,
            tags=(),
            device="any",
            queue=queue_for("any"),
            summary=self.spec.summary,
            spec=self.spec.model_dump(mode="json"),
            spec_hash=self.spec.digest(),
            state="running",
            attempt=self.attempt,
            first_attempt=self.first_attempt,
            losses=0,
            created=0.0,
            sent=0.0,
        )

    @property
    def folder(self) -> AttemptFolder:
        return AttemptFolder(self.store, "job", self.attempt)

    def checkpoints(self, attempt: int | None = None) -> CheckpointFolder:
        return CheckpointFolder(self.store, "job", attempt or self.attempt)

    def run(self, order: str = "drain", at: int | None = None) -> Orders:
        """Run the next attempt to its end, or until it gets this order."""
        self.attempt += 1
        orders = Orders(order, at)
        context = JobContext(self.record, self.folder, self.store, orders, WORKER, NO_RECORDS)
        try:
            train.run(context, self.spec)
        except StopJob as stop:
            assert at is not None, f"nobody gave the order {stop.order}"
        else:
            assert at is None, f"the order at {at} was never asked for"
        return orders

    def weights(self) -> list[NDArray[Any]]:
        model = keras.models.load_model(self.folder.local(AttemptFolder.model), safe_mode=True)
        return [np.asarray(weight) for weight in model.get_weights()]

    def history(self) -> list[dict[str, float]]:
        """The rows of the history without their times, which both files have alike."""
        rows = json.loads(self.folder.read(AttemptFolder.history_json))
        lines = self.folder.read(AttemptFolder.history_csv).decode().splitlines()
        assert [{k: float(v) for k, v in row.items()} for row in csv.DictReader(lines)] == rows
        assert all(row["seconds"] >= 0 for row in rows)
        return [without_seconds(row) for row in rows]

    def metrics(self) -> dict[str, float]:
        return without_seconds(json.loads(self.folder.read(AttemptFolder.metrics)))


def without_seconds(row: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name != "seconds"}


def job(store: Store, **changes: Any) -> Job:
    """A small job with all that has a state: dropout, Adam's slots, early stopping.

    Its units are never dead, as those of "relu" may be: dropout would change nothing then.
    """
    values: dict[str, Any] = {
        "kind": "train",
        "name": "brave-otter",
        "owner": "tester",
        "dataset": "mnist",
        "model": {"type": "mlp", "units": [8, 8], "dropout": 0.3, "activation": "tanh"},
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "epochs": 5,
        "batch_size": BATCH_SIZE,
        "early_stopping": {"monitor": "val_loss", "patience": 9},
        "seed": 4,
    }
    return Job(store, TrainJob.parse({**values, **changes}))


def small_examples(*_: object, **__: object) -> Examples:
    """Noise in the shape of MNIST: quick to load, and never learnt."""
    random = np.random.default_rng(7)
    images = random.integers(0, 256, (ROWS, 28, 28), np.uint8)
    labels = random.integers(0, 10, ROWS, np.uint8)
    return ArrayExamples({"image": images}, {"label": labels}, {"label": MNIST.class_names})


def without_pictures(set_attribute: Callable[[object, str, object], None]) -> None:
    """Let trainings use the small data set, and draw nothing."""
    set_attribute(training_data, "load_examples", small_examples)
    for drawing in ("draw_examples", "plot_model", "plot_history"):
        set_attribute(train, drawing, lambda *_: None)


def assert_same_end(job: Job, undisturbed: Job) -> None:
    """Both jobs have ended the same, to the last bit."""
    assert job.history() == undisturbed.history()
    assert job.metrics() == undisturbed.metrics()
    for found, expected in zip(job.weights(), undisturbed.weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
