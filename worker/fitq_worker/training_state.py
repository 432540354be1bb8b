"""The state of a training in memory: what a checkpoint takes from it and gives back to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from numpy.typing import NDArray

from fitq_worker import backend
from fitq_worker.checkpoints import NamedArrays

_STOPPING = ("wait", "stopped_epoch", "best", "best_epoch")


class DoesNotFit(Exception):
    """A checkpoint is of another model than this one."""


class TrainingState:
    """The variables of a compiled model, and the numbers of its early stopping, if any.

    `Model.variables` holds the weights and the states of seed generators, but no metrics; the
    optimizer's variables hold its slots, its count of steps and its learning rate. A model that
    trains itself may have several optimizers, and draw from Keras's own generator.

    Args:
        row: one row as `fit` takes it, x and perhaps y and a weight, of shape (1, ...): all
            variables that `fit` would make on its way are made at once with it.
        trains_itself: whether the model has a training step of its own.
    """

    def __init__(
        self,
        model: keras.Model,
        stopping: keras.callbacks.EarlyStopping | None,
        row: tuple[Any, ...],
        *,
        trains_itself: bool = False,
    ) -> None:
        self._model = model
        self._stopping = stopping
        self._chance = [backend.state_of_chance()] if trains_itself else []
        if model.optimizer is not None:
            model.optimizer.build(model.trainable_variables)
        if trains_itself:
            self._try_step(row)
        else:
            self._measure(row)
        model.reset_metrics()

    def _measure(self, row: tuple[Any, ...]) -> None:
        x, y, weight = (*row, None, None)[:3]
        model = self._model
        said = model(x, training=False)
        if keras.tree.is_nested(said):
            # Several outputs: each loss has a mean of its own.
            model.compute_loss(x, y, said, weight, training=False)
        model.compute_metrics(x, y, said, weight)

    def _try_step(self, row: tuple[Any, ...]) -> None:
        """Make one step, and undo it: nobody knows what the model makes on its way."""
        before = {id(v): v.numpy() for v in self._model_variables()}
        optimizers = {id(v): v.numpy() for v in self._optimizer_variables()}
        self._model.train_step(_tensors(row))
        for variable in self._model_variables():
            if id(variable) in before:
                variable.assign(before[id(variable)])
        for variable in self._optimizer_variables():
            kept = optimizers.get(id(variable))
            variable.assign(kept if kept is not None else keras.ops.zeros_like(variable))

    def arrays(self) -> dict[str, NamedArrays]:
        """Copies of all variables but the metrics', and of the best weights so far."""
        best = (self._stopping.best_weights if self._stopping else None) or []
        return {
            "model": _copies(self._model_variables()),
            "optimizer": _copies(self._optimizer_variables()),
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
        model, optimizer = self._model_variables(), self._optimizer_variables()
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

    def _model_variables(self) -> list[Any]:
        return [*self._model.variables, *self._chance]

    def _optimizer_variables(self) -> list[Any]:
        """Those of the optimizer that it was compiled with, and of any others that it has."""
        found = {
            id(one): one
            for one in (self._model.optimizer, *vars(self._model).values())
            if isinstance(one, keras.optimizers.Optimizer)
        }
        return [variable for one in found.values() for variable in one.variables]

    def _metric_variables(self) -> list[Any]:
        return [variable for metric in self._model.metrics for variable in metric.variables]


def _tensors(row: tuple[Any, ...]) -> Any:
    made = keras.tree.map_structure(keras.ops.convert_to_tensor, row)
    return made[0] if len(made) == 1 else made


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
