from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from fitq_shared.errors import BadJob
from fitq_worker.callbacks.finite_loss import FiniteLoss


@pytest.mark.parametrize(("loss", "said"), [(math.nan, "nan"), (math.inf, "inf")])
def test_a_loss_that_is_no_number_is_named_with_its_place(loss: float, said: str) -> None:
    # Given a training in its fifth epoch
    callback = FiniteLoss()
    callback.on_epoch_begin(4)
    # When the loss of the third batch is not finite
    with pytest.raises(BadJob) as caught:
        callback.on_train_batch_end(2, {"loss": np.float32(loss)})
    # Then the error says where, and what to do
    assert caught.value.message == f"the loss became {said} in epoch 5, batch 3"
    assert "learning rate" in caught.value.hint
    assert "--learning-rate" in caught.value.hint


@pytest.mark.parametrize("logs", [None, {}, {"loss": 1e30}, {"loss": 0.0}, {"accuracy": math.nan}])
def test_any_other_loss_goes_on(logs: dict[str, float] | None) -> None:
    FiniteLoss().on_train_batch_end(0, logs)


def test_a_training_that_diverges_stops_at_once(model: keras.Model, fit) -> None:
    # Given a learning rate that no training survives
    model.optimizer.learning_rate = 1e25
    # When it is trained for many epochs
    with pytest.raises(BadJob, match=r"the loss became (nan|inf) in epoch 1, batch [123]$"):
        fit(FiniteLoss(), epochs=50)


def test_a_training_that_goes_well_is_left_alone(fit) -> None:
    history = fit(FiniteLoss(), epochs=3)
    assert len(history["loss"]) == 3
