"""Which way a metric gets better."""

from __future__ import annotations

import math

import pytest

from fitq_shared.errors import InvalidInput
from fitq_shared.metric_order import direction, is_better, mode_of


@pytest.mark.parametrize(
    ("metric", "mode"),
    [
        ("val_accuracy", "max"),
        ("top_5_accuracy", "max"),
        ("price_r2_score", "max"),
        ("cosine_similarity", "max"),
        ("val_loss", "min"),
        ("root_mean_squared_error", "min"),
        ("false_positives", "min"),
        ("charm", None),
    ],
)
def test_the_name_says_which_way_is_better(metric, mode):
    assert mode_of(metric) == mode


def test_what_the_name_does_not_say_must_be_said():
    assert direction("charm", "min") == "min"
    with pytest.raises(InvalidInput, match="mode of charm is missing: expected max or min"):
        direction("charm")


def test_nan_is_never_better():
    assert not is_better(math.nan, 0.1, "max")
    assert is_better(0.1, math.nan, "min")
    assert is_better(0.1, 0.2, "min")
    assert not is_better(0.2, 0.2, "max")
