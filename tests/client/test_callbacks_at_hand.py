"""Callbacks at hand are made anew on a worker, or it is said why they cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fitq.callbacks_at_hand import calls_of
from fitq_shared.errors import InvalidInput

keras = pytest.importorskip("keras")


class Kept(keras.callbacks.Callback):
    def __init__(self, words: Any, scale: float = 1.0) -> None:
        super().__init__()
        self.words, self.scale = words, scale


class Configured(keras.callbacks.Callback):
    def __init__(self, size: int) -> None:
        super().__init__()
        self._twice = 2 * size

    def get_config(self) -> dict[str, Any]:
        return {"size": self._twice // 2}


class Silent(keras.callbacks.Callback):
    def __init__(self, size: int) -> None:
        super().__init__()


def schedule(epoch: int, rate: float) -> float:
    return rate


@pytest.mark.parametrize(
    ("callback", "written"),
    [
        (Kept(["a", {"b": 1}], np.float64(0.5)), "home.Kept(words=['a', {'b': 1}], scale=0.5)"),
        (Kept(None, float("inf")), "home.Kept(words=None, scale=float('inf'))"),
        (Configured(3), "home.Configured(size=3)"),
        (
            keras.callbacks.LearningRateScheduler(schedule),
            "keras.callbacks.LearningRateScheduler(schedule=home.schedule, verbose=0)",
        ),
    ],
)
def test_a_callback_is_written_as_its_call(callback: Any, written: str) -> None:
    calls = calls_of([callback, keras.callbacks.TerminateOnNaN()])
    [call] = calls.calls
    assert call.written({__name__: "home"}) == written
    assert all(one.module == __name__ for one in calls.objects)


def test_early_stopping_is_the_jobs_own() -> None:
    calls = calls_of(keras.callbacks.EarlyStopping("val_loss", patience=2, mode="min"))
    assert not calls.calls
    assert calls.early_stopping == {
        "monitor": "val_loss",
        "patience": 2,
        "min_delta": 0.0,
        "mode": "min",
        "restore_best_weights": False,
    }


@pytest.mark.parametrize(
    ("callback", "expected"),
    [
        (1, "an object of keras.callbacks.Callback"),
        (keras.callbacks.ModelCheckpoint("here.keras"), "would stay on the worker"),
        (keras.callbacks.EarlyStopping(baseline=1.0), "without baseline"),
        (Silent(3), "its argument 'size' as an attribute, self.size = size"),
        (Kept(object()), "arguments that are numbers, texts"),
    ],
)
def test_what_cannot_be_made_anew_is_named(callback: Any, expected: str) -> None:
    with pytest.raises(InvalidInput, match=r"callbacks = '\w+': ") as caught:
        calls_of([callback])
    assert expected in caught.value.message
