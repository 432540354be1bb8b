"""Jobs on the shared worker, and a model that all may use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fitq.drafts import complete
from fitq.model_references import find_model
from fitq.queue import Queue
from fitq_shared.record import JobRecord
from fitq_shared.settings import Settings
from fitq_shared.specs.base import JobSpec, ModelRef
from support.jobs import training
from support.worker import Worker

Run = Callable[..., JobRecord]


@pytest.fixture(scope="session")
def queue(session_settings: Settings, shared_worker: Worker) -> Queue:
    """A client of the shared worker, for fixtures that live as long as it does."""
    return Queue(session_settings)


@pytest.fixture(scope="session")
def finish(queue: Queue) -> Run:
    """Submit a job and wait for its end, which must be the one that was asked for."""

    def submit_and_wait(spec: JobSpec, state: str = "succeeded") -> JobRecord:
        record = queue.wait(queue.submit(spec), 120)
        assert record.state == state, record.reason
        return record

    return submit_and_wait


@pytest.fixture(scope="session")
def train(queue: Queue, finish: Run) -> Run:
    """Train something small, with these changes."""

    def run(state: str = "succeeded", **changes: Any) -> JobRecord:
        return finish(training(queue, **changes), state)

    return run


@pytest.fixture(scope="session")
def trained(train: Run) -> JobRecord:
    """A training on MNIST of two epochs, with a fifth held back."""
    return train(epochs=2, validation_split=0.2)


@pytest.fixture(scope="session")
def reference(queue: Queue, trained: JobRecord) -> ModelRef:
    """The model of that training."""
    return find_model(queue, trained.id)[1]


@pytest.fixture(scope="session")
def fill(queue: Queue) -> Callable[..., JobSpec]:
    """A whole spec of these values, by which no client has looked at the data."""

    def make(**values: Any) -> JobSpec:
        return complete(values, queue.settings)

    return make


@pytest.fixture(scope="session")
def mnist(queue: Queue, trained: JobRecord) -> dict[str, NDArray[np.uint8]]:
    """MNIST's raw arrays, as they lie in the volume."""
    with np.load(Path(queue.artifacts.store.locate("datasets/mnist/arrays.npz"))) as arrays:
        return dict(arrays)
