"""A sweep in Optuna's words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState

from fitq_shared.metric_order import Mode
from fitq_shared.sweeps.space import Parameter


def distribution(parameter: Parameter) -> BaseDistribution:
    """A parameter in Optuna's words; each value of a list is its JSON there."""
    if parameter.values is not None:
        return CategoricalDistribution([json.dumps(value) for value in parameter.values])
    low, high = parameter.low or 0, parameter.high or 0
    if parameter.whole:
        return IntDistribution(int(low), int(high), parameter.log, int(parameter.step or 1))
    step = None if parameter.step is None else float(parameter.step)
    return FloatDistribution(float(low), float(high), parameter.log, step)


def study_of(space: Mapping[str, Parameter], goal: Mode, trials: Sequence[Any]) -> optuna.Study:
    """A study that knows these trials.

    Args:
        trials: of each its number, its state, its values by path, and its metric or None.
    """
    study = optuna.create_study(direction="maximize" if goal == "max" else "minimize")
    distributions = {path: distribution(one) for path, one in space.items()}
    for _, state, params, value in trials:
        if state in ("completed", "stopped") and value is not None:
            known, result = TrialState.COMPLETE, value
        elif state == "open":
            known, result = TrialState.RUNNING, None
        elif state == "diverged":
            # Without a value: worse than all that have one.
            known, result = TrialState.PRUNED, None
        else:
            continue
        study.add_trial(
            optuna.trial.create_trial(
                params={p: _optunas(space[p], params[p]) for p in space},
                distributions=distributions,
                value=result,
                state=known,
            )
        )
    return study


def _optunas(parameter: Parameter, value: Any) -> Any:
    if parameter.values is not None:
        return json.dumps(value)
    return value if parameter.whole else float(value)
