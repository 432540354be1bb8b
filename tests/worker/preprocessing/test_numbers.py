from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitq_shared.errors import BadJob
from fitq_shared.specs.steps import Normalize
from fitq_worker.examples import Field
from fitq_worker.preprocessing.numbers import NormalizeMaker
from fitq_worker.preprocessing.preparation import Preparation
from worker.preprocessing.conftest import everything, table

Learn = Callable[..., Preparation]
NAN = np.nan


@settings(max_examples=50)
@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9), min_size=1, max_size=9))
def test_moments_are_those_of_all_batches_together(batches: list[list[float]]) -> None:
    # Given numbers in batches
    maker = NormalizeMaker(Normalize(), "x", Field((), "float64"))
    for batch in batches:
        maker.observe(np.array(batch)[:, None])
    everything = np.concatenate([np.array(batch) for batch in batches])
    # Then mean and variance are as if there was one
    assert maker.mean == pytest.approx([everything.mean()], rel=1e-9, abs=1e-6)
    assert maker.variance == pytest.approx([everything.var()], rel=1e-6, abs=1e-3)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", "bool"])
def test_numbers_of_any_dtype_are_normalized(learn: Learn, dtype: str) -> None:
    examples = table(x=np.array([0, 1, 1, 0, 1]).astype(dtype))
    found = learn(examples, {"x": "normalize"}).apply(everything(examples))["x"]
    assert found.shape == (5, 1)
    assert float(found.mean()) == pytest.approx(0, abs=1e-6)
    assert float(found.std()) == pytest.approx(1, abs=1e-5)


def test_a_constant_stays_finite(learn: Learn) -> None:
    examples = table(x=np.full(4, 7.0))
    assert np.isfinite(learn(examples, {"x": "normalize"}).apply(everything(examples))["x"]).all()


@pytest.mark.parametrize(
    ("step", "expected"),
    [("fill_missing", 2.0), ({"type": "fill_missing", "value": -1}, -1.0)],
)
def test_missing_numbers_are_filled(learn: Learn, step: Any, expected: float) -> None:
    examples = table(x=np.array([1.0, NAN, 3.0]))
    found = learn(examples, {"x": step}).apply(everything(examples))["x"]
    assert found.ravel().tolist() == [1.0, expected, 3.0]


def test_missing_numbers_have_no_mean(learn: Learn) -> None:
    examples = table(x=np.array([1.0, NAN, 3.0]))
    with pytest.raises(BadJob, match="'x' has missing values") as caught:
        learn(examples, {"x": "normalize"})
    assert "--preprocess x=fill_missing --preprocess x=normalize" in caught.value.hint
    with pytest.raises(BadJob, match="infinite"):
        learn(table(x=np.array([1.0, np.inf])), {"x": "normalize"})
    with pytest.raises(BadJob, match="missing in all training rows"):
        learn(table(x=np.array([NAN, NAN])), {"x": "fill_missing"})


def test_arrays_have_a_mean_for_each_place(learn: Learn) -> None:
    values = np.random.default_rng(2).normal(5, 3, (40, 6, 2)).astype("float32")
    found = learn(table(x=values), {"x": "normalize"}).apply({"x": values})["x"]
    np.testing.assert_allclose(found.mean(axis=(0, 1)), [0, 0], atol=1e-5)
    np.testing.assert_allclose(found.std(axis=(0, 1)), [1, 1], atol=1e-4)
