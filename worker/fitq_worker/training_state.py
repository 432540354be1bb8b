"""The state of a training in memory: what a checkpoint takes from it and gives back to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from numpy.typing import NDArray

from fitq_worker.checkpoints import NamedArrays

_STOPPING = ("wait", "stopped_epoch", "best", "best_epoch")


class DoesNotFit(Exception):
    """A checkpoint is of another model than this one."""


class TrainingState:
    """The variables of a compiled model, and the numbers of its early stopping, if any.

    `Model.variables` holds the weights and the states of seed generators, but no metrics; the
    optimizer's variables hold its slots, its count of steps and its learning rate.

    Args:
        x: some rows as the model takes them, of shape (n, ...), and `y` their targets: all
            variables that `fit` would make on its way are made at once with the first of them.
    """

    def __init__(
        self,
        model: keras.Model,
        stopping: keras.callbacks.EarlyStopping | None,
        x: NDArray[Any],
        y: NDArray[Any],
    ) -> None:
        self._model = model
        self._stopping = stopping
        model.optimizer.build(model.trainable_variables)
        model.compute_metrics(x[:1], y[:1], model(x[:1], training=False))
        model.reset_metrics()

    def arrays(self) -> dict[str, NamedArrays]:
        """Copies of all variables but the metrics', and of the best weights so far."""
        best = (self._stopping.best_weights if self._stopping else None) or []
        return {
            "model": _copies(self._model.variables),
            "optimizer": _copies(self._model.optimizer.variables),
            "best": [("", value) for value in best],
        }

    def metrics(self) -> NamedArrays:
        """Copies of the metrics' variables."""
        return _copies(self._metric_variables())

    def stopping(self) -> dict[str, Any] | None:
        """The numbers that early stopping goes by."""
        return (
            {name: getattr(self._stopping, name) for name in _STOPPING} if self._stopping else None
        )

    def restore(self, arrays: Mapping[str, NamedArrays]) -> None:
        """Give the variables of model and optimizer the values that `arrays` found.

        Raises:
            DoesNotFit: there are others, or they have other shapes. Nothing was changed.
        """
        model, optimizer = self._model.variables, self._model.optimizer.variables
        weights = self._model.weights
        _check("model", model, arrays["model"])
        _check("optimizer", optimizer, arrays["optimizer"])
        if arrays["best"]:
            _check_shapes("best", weights, [value for _, value in arrays["best"]])
        if arrays.get("metrics"):
            _check("metrics", self._metric_variables(), arrays["metrics"])
        _assign(model, arrays["model"])
        _assign(optimizer, arrays["optimizer"])

    def restore_metrics(self, metrics: NamedArrays) -> None:
        """Give the metrics the values that they had."""
        _assign(self._metric_variables(), metrics)

    def restore_stopping(self, numbers: Mapping[str, Any] | None, best: NamedArrays) -> None:
        """Let early stopping know what it knew; `on_train_begin` makes it forget."""
        if self._stopping is None or numbers is None:
            return
        for name in _STOPPING:
            setattr(self._stopping, name, numbers[name])
        self._stopping.best_weights = [value for _, value in best] or None

    def _metric_variables(self) -> list[Any]:
        return [variable for metric in self._model.metrics for variable in metric.variables]


def _copies(variables: Sequence[Any]) -> NamedArrays:
    return [(v.path, v.numpy()) for v in variables]


def _assign(variables: Sequence[Any], values: NamedArrays) -> None:
    for variable, (_, value) in zip(variables, values, strict=True):
        variable.assign(value)


def _check(group: str, variables: Sequence[Any], values: NamedArrays) -> None:
    _check_shapes(group, variables, [value for _, value in values])
    for variable, (name, _) in zip(variables, values, strict=True):
        if variable.path != name:
            raise DoesNotFit(f"{group}: it has {name!r}, expected {variable.path!r}")


def _check_shapes(group: str, variables: Sequence[Any], values: Sequence[NDArray[Any]]) -> None:
    found = [(value.shape, str(value.dtype)) for value in values]
    expected = [(tuple(v.shape), keras.backend.standardize_dtype(v.dtype)) for v in variables]
    if found != expected:
        raise DoesNotFit(f"{group}: it has {found}, expected {expected}")
