"""A small training to watch, and a line to a real queue."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from fitq_shared import events as events_module
from fitq_shared.attempts import Attempts
from fitq_shared.events import Event, follow
from fitq_shared.record import Attempt
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_worker import reporter as reporter_module
from fitq_worker.reporter import Reporter


@pytest.fixture
def reporter(redis: Redis, attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> Reporter:
    """A reporter that tells all and asks each time."""
    monkeypatch.setattr(reporter_module, "PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr(reporter_module, "ORDER_SECONDS", 0.0)
    monkeypatch.setattr(events_module, "KEPT_PROGRESS", 1000)
    return Reporter(Attempts(Records(redis)), attempt)


@pytest.fixture
def events(redis: Redis, attempt: Attempt) -> Callable[[str], list[Event]]:
    """The events of one type so far."""

    def read(kind: str) -> list[Event]:
        found: list[Event] = []
        for event in follow(redis, attempt.job_id, block_seconds=0.01):
            if event is None:
                return found
            if event.type == kind:
                found.append(event)
        return found

    return read


X = np.linspace(0, 1, 12, dtype="float32")[:, None]


@pytest.fixture
def model() -> keras.Model:
    """One weight, learnt by SGD from 12 rows."""
    made = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    made.compile(keras.optimizers.SGD(0.25), "mse", metrics=["mae"], run_eagerly=True)
    return made


@pytest.fixture
def fit(model: keras.Model) -> Callable[..., dict[str, list[float]]]:
    """Train the small model, in batches of 4; gives Keras's own history."""

    def train(*callbacks: keras.callbacks.Callback, epochs: int = 1) -> dict[str, list[float]]:
        done = model.fit(
            *(X, 2 * X),
            batch_size=4,
            epochs=epochs,
            validation_data=(X[:8], 2 * X[:8]),
            validation_batch_size=4,
            callbacks=list(callbacks),
            verbose=0,
        )
        return dict(done.history)

    return train
