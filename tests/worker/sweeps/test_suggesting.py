"""Which values trials get: by seed and number, and by what the trials before have shown."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from fitq_shared.sweeps.record import Trial
from fitq_shared.sweeps.spec import SweepSpec
from fitq_worker.sweeps.suggesting import NoSuggestion, suggest
from support.sweeps import sweep_spec

SPACE: dict[str, Any] = {
    "lr": "1e-4..1e-1:log",
    "units": "8..64:8",
    "activation": {"values": ["relu", "tanh"]},
    "dropout": "0..0.5",
}


def told(spec: SweepSpec, count: int) -> list[Trial]:
    """Completed trials, of which those with few units were the best."""
    found = []
    for number in range(1, count + 1):
        params = spec.drawn(number)
        value = 1 - params["model.units"] / 100
        found.append(Trial(number, f"s{number}", params, state="completed", value=value))
    return found


@pytest.fixture
def spec() -> SweepSpec:
    return sweep_spec(space=SPACE, trials=12, sampler="optuna", seed=7)


def test_optuna_repeats_itself_and_keeps_to_the_space(spec: SweepSpec) -> None:
    # Given completed trials, one that runs, one that failed, and one that diverged
    trials = [
        *told(spec, 6),
        Trial(7, "s7", spec.drawn(7)),
        Trial(8, "s8", spec.drawn(8), state="failed"),
        Trial(9, "s9", spec.drawn(9), state="diverged"),
    ]
    # When it is asked for two more, twice
    first = suggest(spec, [10, 11], trials)
    again = suggest(spec, [10, 11], trials[::-1])
    # Then the answers are the same, and possible
    assert first == again
    assert list(first) == [10, 11]
    assert first[10] != first[11]
    assert all(spec.allows(params) for params in first.values())
    assert all(params["model.units"] % 8 == 0 for params in first.values())
    # And another seed gives others
    assert suggest(spec.model_copy(update={"seed": 8}), [10], trials)[10] != first[10]


def test_grid_and_random_ask_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given that no process can be started
    monkeypatch.setattr(subprocess, "run", None)
    spec = sweep_spec(space=SPACE, trials=3)
    # Then values are there all the same
    assert suggest(spec, [1, 3], []) == {1: spec.drawn(1), 3: spec.drawn(3)}


def test_an_optuna_that_fails_is_told_in_one_line(spec: SweepSpec) -> None:
    broken = Trial(1, "s1", {"model.units": 8}, state="completed", value=0.5)
    with pytest.raises(NoSuggestion, match="Optuna gave no answer: KeyError"):
        suggest(spec, [2], [broken])
