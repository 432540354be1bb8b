"""Keras's optimizers, and how their learning rates change."""

from __future__ import annotations

from typing import Any

import keras

from fitq_shared.specs.learning import Optimizer
from fitq_shared.specs.schedules import CosineDecay, ExponentialDecay, PiecewiseConstant

_OPTIONS = ("learning_rate", "weight_decay", "momentum", "clipnorm")


def make_optimizer(spec: Optimizer, batches: int, epochs: int) -> keras.optimizers.Optimizer:
    """The optimizer of a job.

    Args:
        batches: how many an epoch has: schedules count them, jobs count epochs.
        epochs: how many the training has.
    """
    given = {name: getattr(spec, name) for name in _OPTIONS}
    config = {name: value for name, value in given.items() if value is not None}
    if spec.schedule is not None:
        rate = spec.learning_rate or _own_rate(spec.name)
        config["learning_rate"] = _schedule(spec.schedule, rate, batches, epochs)
    return type(keras.optimizers.get(spec.name))(**config)


def _own_rate(name: str) -> float:
    return float(keras.ops.convert_to_numpy(keras.optimizers.get(name).learning_rate))


def _schedule(spec: Any, rate: float, batches: int, epochs: int) -> Any:
    schedules = keras.optimizers.schedules
    if isinstance(spec, CosineDecay):
        warm = round(spec.warmup_epochs * batches)
        length = round((spec.epochs or epochs) * batches) - (0 if spec.epochs else warm)
        return schedules.CosineDecay(
            0.0 if warm else rate,
            max(1, length),
            alpha=spec.alpha,
            warmup_target=rate if warm else None,
            warmup_steps=warm,
        )
    if isinstance(spec, ExponentialDecay):
        steps = max(1, round(spec.decay_epochs * batches))
        return schedules.ExponentialDecay(rate, steps, spec.decay_rate, staircase=spec.staircase)
    if isinstance(spec, PiecewiseConstant):
        ends = [round(boundary * batches) for boundary in spec.boundaries]
        return schedules.PiecewiseConstantDecay(ends, list(spec.values))
    length = max(1, round((spec.epochs or epochs) * batches))
    return schedules.PolynomialDecay(rate, length, spec.end_learning_rate, power=spec.power)
