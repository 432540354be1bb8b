"""Which parameters mattered, and the pictures of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fitq_shared.sweeps.record import SweepRecord, Trial
from fitq_shared.sweeps.spec import SweepSpec
from fitq_worker.figures.importance import plot_importance
from fitq_worker.figures.parallel_coordinates import draw_parallel, plot_parallel
from fitq_worker.sweeps.closing import table
from fitq_worker.sweeps.importance import importance
from support.sweeps import sweep_spec

SPACE: dict[str, Any] = {
    "units": "1..100",
    "lr": "1e-4..1e-1:log",
    "model.activation": ["relu", "tanh"],
    "batch_size": [64],
}


def tabled(trials: int, **changes: Any) -> dict[str, Any]:
    """A sweep in which only the number of units mattered."""
    spec: SweepSpec = sweep_spec(space=SPACE, trials=40, **changes)
    record = SweepRecord("abc", "otter", "ann", {}, "", "running", 1, 0.0)
    found = []
    for number in range(1, trials + 1):
        params = spec.drawn(number)
        value = params["model.units"] / 100
        found.append(Trial(number, f"s{number}", params, state="completed", value=value))
    found.append(Trial(trials + 1, "sx", spec.drawn(41), state="failed", reason="no"))
    return table(record, spec, found)


@pytest.mark.parametrize(("metric", "sign"), [("val_accuracy", 1), ("val_loss", -1)])
def test_what_mattered_comes_first(metric: str, sign: int) -> None:
    # Given a sweep in which the metric depends on the units alone
    known = tabled(40, metric=metric)
    for trial in known["trials"]:
        trial["value"] = None if trial["value"] is None else sign * trial["value"]
    # When it is asked what mattered
    shares, method = importance(known)
    # Then the units did, and it is said how that was found
    assert next(iter(shares)) == "model.units"
    assert shares["model.units"] > 0.6
    assert sum(shares.values()) == pytest.approx(1)
    assert "PED-ANOVA" in method


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("trials", [6, 12])
def test_of_a_small_sweep_enough_trials_count_as_the_best(trials: int, seed: int) -> None:
    shares, _ = importance(tabled(trials, seed=seed))
    assert next(iter(shares)) == "model.units"


@pytest.mark.parametrize("trials", [0, 1, 3])
def test_of_few_trials_nothing_is_said(trials: int) -> None:
    shares, method = importance(tabled(trials))
    assert shares == {}
    assert "4 trials or more" in method


@pytest.mark.parametrize("trials", [0, 1, 12])
def test_pictures_are_drawn_of_any_number_of_trials(tmp_path: Path, trials: int) -> None:
    # Given so many trials with a value, and one without
    known = tabled(trials)
    # When both pictures are drawn
    plot_parallel(known, tmp_path / "parallel.png", "otter")
    plot_importance(importance(known)[0], tmp_path / "importance.png", "otter", "a method")
    # Then they are there, and each trial with a value is a line
    assert (tmp_path / "parallel.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "importance.png").read_bytes().startswith(b"\x89PNG")
    axes = draw_parallel(known, "otter").axes[0]
    lines = [line for line in axes.get_lines() if len(line.get_xdata()) == len(SPACE) + 1]
    assert len(lines) == trials
