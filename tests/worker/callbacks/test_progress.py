from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from fitq_shared.changes import Changes
from fitq_shared.events import Event
from fitq_shared.record import Attempt
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_worker.callbacks.progress import Progress
from fitq_worker.reporter import Reporter, StopJob

Fit = Callable[..., dict[str, list[float]]]
Events = Callable[[str], list[Event]]

X = np.ones((10, 1), "float32")


def cancel(redis: Redis, attempt: Attempt) -> None:
    records = Records(redis)
    assert Changes(records).cancel(records.get(attempt.job_id)) == "stopping"


def places(told: list[Event]) -> list[tuple[Any, ...]]:
    return [(e.data["phase"], e.data["epoch"], e.data["batch"]) for e in told]


def test_a_training_tells_each_batch_and_how_many_there_are(
    fit: Fit, reporter: Reporter, events: Events
) -> None:
    # Given two epochs of three batches, each with a validation
    fit(Progress(reporter, 2, 3), epochs=2)
    # Then the batches are told in order, and the validation's are not among them
    told = events("progress")
    assert places(told) == [("training", epoch, batch) for epoch in (1, 2) for batch in (1, 2, 3)]
    assert {(e.data["epochs"], e.data["batches"]) for e in told} == {(2, 3)}


def test_the_running_loss_and_metrics_are_told(
    fit: Fit, reporter: Reporter, events: Events
) -> None:
    history = fit(Progress(reporter, 1, 3))
    last = events("progress")[-1].data
    assert last["loss"] == pytest.approx(history["loss"][0])
    assert last["mae"] == pytest.approx(history["mae"][0])


def test_an_evaluation_that_is_the_job_itself_is_told(
    model: keras.Model, reporter: Reporter, events: Events
) -> None:
    model.evaluate(X, X, batch_size=4, callbacks=[Progress(reporter, 1, 3)], verbose=0)
    assert places(events("progress")) == [("evaluating", 1, batch) for batch in (1, 2, 3)]
    assert "loss" in events("progress")[0].data


def test_a_prediction_is_told(model: keras.Model, reporter: Reporter, events: Events) -> None:
    model.predict(X, batch_size=4, callbacks=[Progress(reporter, 1, 3)], verbose=0)
    told = events("progress")
    assert places(told) == [("predicting", 1, batch) for batch in (1, 2, 3)]
    assert set(told[0].data) == {"phase", "epoch", "epochs", "batch", "batches"}


class CancelAt(keras.callbacks.Callback):
    """Cancels the job at the first call of one hook."""

    def __init__(self, hook: str, redis: Redis, attempt: Attempt) -> None:
        super().__init__()
        self.seen: list[str] = []
        self._hook = hook
        self._redis, self._attempt = redis, attempt

    def _meet(self, hook: str) -> None:
        self.seen.append(hook)
        if hook == self._hook and self.seen.count(hook) == 1:
            cancel(self._redis, self._attempt)

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self._meet("epoch_begin")

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
        self._meet("train_batch_begin")

    def on_test_batch_begin(self, batch: int, logs: object = None) -> None:
        self._meet("test_batch_begin")

    def on_predict_batch_begin(self, batch: int, logs: object = None) -> None:
        self._meet("predict_batch_begin")

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self._meet("epoch_end")


@pytest.mark.parametrize("hook", ["epoch_begin", "train_batch_begin", "test_batch_begin"])
def test_a_cancelled_training_stops_before_its_next_batch(
    hook: str, fit: Fit, reporter: Reporter, redis: Redis, attempt: Attempt
) -> None:
    # Given a training of many epochs that is cancelled at its first batch of this kind
    canceller = CancelAt(hook, redis, attempt)
    with pytest.raises(StopJob) as caught:
        fit(canceller, Progress(reporter, 50, 3), epochs=50)
    # Then no other batch of this kind has begun
    assert caught.value.order == "cancel"
    assert canceller.seen.count(hook) == 1
    assert "epoch_end" not in canceller.seen


def test_a_training_cancelled_between_two_epochs_begins_no_other(
    fit: Fit, reporter: Reporter, redis: Redis, attempt: Attempt
) -> None:
    canceller = CancelAt("epoch_end", redis, attempt)
    with pytest.raises(StopJob):
        fit(Progress(reporter, 50, 3), canceller, epochs=50)
    assert canceller.seen.count("train_batch_begin") == 3


@pytest.mark.parametrize("work", ["evaluate", "predict"])
def test_a_cancelled_evaluation_or_prediction_stops(
    work: str, model: keras.Model, reporter: Reporter, redis: Redis, attempt: Attempt
) -> None:
    hook = {"evaluate": "test_batch_begin", "predict": "predict_batch_begin"}[work]
    canceller = CancelAt(hook, redis, attempt)
    arrays = (X, X) if work == "evaluate" else (X,)
    with pytest.raises(StopJob):
        getattr(model, work)(
            *arrays, batch_size=1, callbacks=[canceller, Progress(reporter, 1, 10)], verbose=0
        )
    assert canceller.seen == [hook]


def test_an_outdated_attempt_stops(
    fit: Fit, reporter: Reporter, redis: Redis, attempt: Attempt
) -> None:
    # Given an attempt that another worker has since taken over
    redis.hset(f"fitq:job:{attempt.job_id}", "attempt", "2")
    with pytest.raises(StopJob) as caught:
        fit(Progress(reporter, 1, 3))
    assert caught.value.order == "outdated"
