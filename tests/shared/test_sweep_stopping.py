"""Which trials are stopped early: the median rule and ASHA."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitq_shared.metric_order import Mode
from fitq_shared.sweeps.stopping import (
    Stopping,
    asha_verdict,
    best,
    curve_of,
    median_verdict,
    rung_of,
    values_by_epoch,
)

values = st.floats(0, 1)
curves = st.lists(values, min_size=1, max_size=6)
MEDIAN = Stopping(rule="median")
ASHA = Stopping(rule="asha", reduction=2)


def test_a_trial_below_the_median_of_the_others_averages_is_stopped() -> None:
    # Given three completed trials, whose averages after two epochs are 0.5, 0.6 and 0.7
    completed = [[0.4, 0.6], [0.5, 0.7], [0.6, 0.8]]
    # Then a trial whose best is worse than 0.6 by then is stopped, another is not
    verdict = median_verdict(MEDIAN, "max", [0.58, 0.59], completed)
    assert verdict is not None
    assert "0.59" in verdict
    assert "0.6" in verdict
    assert median_verdict(MEDIAN, "max", [0.1, 0.61], completed) is None


@pytest.mark.parametrize("goal", ["max", "min"])
@given(others=st.lists(curves, min_size=3, max_size=9))
def test_the_best_of_all_is_never_stopped(goal: Mode, others: list[list[float]]) -> None:
    own = [2.0 if goal == "max" else -1.0]
    assert median_verdict(MEDIAN, goal, own, others) is None
    assert asha_verdict(ASHA, goal, 1, own, others) is None


@given(curve=curves, others=st.lists(curves, max_size=2))
def test_the_median_of_few_trials_says_nothing(
    curve: list[float], others: list[list[float]]
) -> None:
    assert median_verdict(MEDIAN, "max", curve, others) is None


def test_no_trial_is_stopped_within_its_grace() -> None:
    patient = Stopping(rule="median", grace=3)
    others = [[1.0, 1.0, 1.0]] * 3
    assert median_verdict(patient, "max", [0.0, 0.0], others) is None
    assert median_verdict(patient, "max", [0.0, 0.0, 0.0], others) is not None


def test_rungs_are_powers_of_the_reduction() -> None:
    stopping = Stopping(rule="asha", grace=2, reduction=3)
    assert [rung_of(stopping, epochs) for epochs in (1, 2, 5, 6, 17, 18)] == [0, 1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("others", "stopped"),
    [([], False), ([0.9], True), ([0.1], False), ([0.9, 0.8, 0.1], True), ([0.9, 0.1, 0.2], False)],
)
def test_asha_lets_the_best_half_of_a_rung_go_on(others: list[float], stopped: bool) -> None:
    verdict = asha_verdict(ASHA, "max", 1, [0.5], [[value] for value in others])
    assert (verdict is not None) == stopped


def test_asha_compares_with_those_that_came_as_far() -> None:
    # Given a trial at its second rung, and better ones that never came to it
    verdict = asha_verdict(ASHA, "max", 2, [0.1, 0.2], [[0.9], [0.8], [0.1, 0.1]])
    # Then they do not count
    assert verdict is None


@given(own=curves, others=st.lists(curves, max_size=8))
def test_asha_stops_the_mirrored_trial_of_the_mirrored_goal(
    own: list[float], others: list[list[float]]
) -> None:
    up = asha_verdict(ASHA, "max", 1, own, others)
    down = asha_verdict(ASHA, "min", 1, [-v for v in own], [[-v for v in o] for o in others])
    assert (up is None) == (down is None)


def test_a_curve_is_read_from_epochs_of_several_attempts() -> None:
    # Given epochs of an attempt that was lost, and of the one that went on from its checkpoint
    rows: list[dict[str, Any]] = [
        {"epoch": 1, "val": 0.1},
        {"epoch": 2, "val": 0.2},
        {"epoch": 2, "val": 0.25},
        {"epoch": 4, "val": 0.4},
        {"epoch": 5},
    ]
    # Then the last word on each counts, and what is missing is no number
    first, second, third, fourth = curve_of(values_by_epoch(rows, "val"))
    assert (first, second, fourth) == (0.1, 0.25, 0.4)
    assert math.isnan(third)
    assert best("max", [first, third]) == 0.1
    assert best("max", [math.nan]) is None
