"""What two trainings have in common to the bit, and what differs."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from fitq_shared.errors import InvalidInput
from fitq_worker.reproduction import (
    circumstances,
    differing_epochs,
    differing_weights,
    weights_in,
)


@pytest.fixture
def content(tmp_path):
    """The bytes of a small model, trained for a step so that its optimizer has a state."""

    def make(seed):
        keras.utils.clear_session()
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
        model.compile("adam", "mse")
        model.train_on_batch(np.ones((4, 3)), np.zeros((4, 2)))
        model.save(tmp_path / "model.keras")
        return (tmp_path / "model.keras").read_bytes()

    return make


def test_the_same_seed_gives_the_same_bits_and_another_does_not(content):
    first, again, other = (weights_in(content(seed), "m.keras") for seed in (1, 1, 2))
    assert any(name.startswith("optimizer/") for name in first)
    assert differing_weights(first, again) == []
    [kernel, *_] = differing_weights(first, other)
    assert kernel["name"].endswith("vars/0")
    assert kernel["of"] == 6
    assert 0 < kernel["differing"] <= 6
    assert kernel["largest"] > 0


def test_bits_count_not_values():
    one, nan = {"w": np.array([0.0, math.nan], np.float32)}, np.array([-0.0, math.nan], np.float32)
    assert differing_weights(one, {"w": one["w"].copy()}) == []
    [found] = differing_weights(one, {"w": nan})
    assert (found["differing"], found["largest"]) == (1, 0.0)


def test_weights_that_are_missing_or_of_another_shape_are_named():
    first = {"a": np.zeros(2, np.float32), "b": np.zeros(2, np.float32)}
    second = {"a": np.zeros(3, np.float32), "c": np.zeros(1, np.float32)}
    assert differing_weights(first, second) == [
        {"name": "a", "first": "float32 (2,)", "second": "float32 (3,)"},
        {"name": "b", "first": "float32 (2,)", "second": "missing"},
        {"name": "c", "first": "missing", "second": "float32 (1,)"},
    ]


def test_epochs_are_compared_but_for_their_time():
    first = [{"epoch": 1, "loss": 0.5, "seconds": 1.0}, {"epoch": 2, "loss": math.nan}]
    assert differing_epochs(first, [{**first[0], "seconds": 9.0}, {**first[1]}]) == []
    changed = [{**first[0], "loss": 0.25}]
    assert differing_epochs(first, changed) == [
        {"epoch": 1, "values": {"loss": [0.5, 0.25]}},
        {"epoch": 2, "missing": "second"},
    ]


def test_circumstances_are_told_whatever_the_file_holds():
    first = {"python": "3.11.2", "packages": {"keras": "3.15.1"}, "threads": 2}
    second = {"python": "3.12.0", "packages": {"keras": "3.15.1"}, "threads": 2}
    rows = {row["name"]: row for row in circumstances(first, second)}
    assert not rows["python"]["same"]
    assert rows["keras"]["same"] and rows["threads"]["same"]
    assert all(row["first"] is None for row in circumstances([], "no environment"))


def test_what_is_no_model_is_refused():
    with pytest.raises(InvalidInput):
        weights_in(b"no model", "m.keras")
