"""The weight of each row in the loss: by its class, by a column, or both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitq_shared.errors import BadJob
from fitq_shared.specs.mistakes import unknown_choice
from fitq_worker.examples import Arrays, Examples, in_parts
from fitq_worker.targets import Target

Weigh = Callable[[NDArray[np.int64], Arrays], NDArray[np.float32]]


def weigh_by(
    table: NDArray[np.float32] | None, target: Target | None, column: Examples | None
) -> Weigh | None:
    """What gives the weights of rows; None if all weigh the same.

    Args:
        table: the weight of each class of the target, float32 of shape (classes,).
        column: examples whose one input is the rows' weights.
    """
    if table is None and column is None:
        return None

    def weigh(rows: NDArray[np.int64], targets: Arrays) -> NDArray[np.float32]:
        weights = np.ones(len(rows), np.float32)
        if table is not None and target is not None:
            weights *= table[targets[target.name].astype("int64")]
        if column is not None:
            weights *= _weights(column, rows)
        return weights

    return weigh


def class_table(
    wanted: str | Mapping[Any, float], target: Target, examples: Examples, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The weight of each class of a target: float32 of shape (classes,).

    Args:
        wanted: "balanced": each class weighs the same in sum, and a row 1 on average; or weights
            by the class's name or number, 1 for those that are not named.
        rows: the training rows, in which the classes are counted.

    Raises:
        BadJob: the target has no classes, or none of these.
    """
    names = target.field.classes
    if names is None or target.field.shape:
        raise BadJob(
            f"class_weight needs classes, but the target {target.name!r} has none",
            "leave out --class-weight, or weigh rows by a column with --sample-weight",
        )
    if isinstance(wanted, str):
        counts = np.zeros(len(names), np.int64)
        for _, targets in in_parts(examples, rows, [target.name]):
            counts += np.bincount(targets[target.name], minlength=len(names))
        there = int((counts > 0).sum())
        return (len(rows) / (there * np.maximum(1, counts))).astype("float32")
    table = np.ones(len(names), np.float32)
    for name, weight in wanted.items():
        table[_place(str(name), names)] = weight
    return table


def _place(name: str, names: tuple[str, ...]) -> int:
    if name in names:
        return names.index(name)
    if name.isdecimal() and int(name) < len(names):
        return int(name)
    raise BadJob(str(unknown_choice("class_weight", name, names)), "name a class of the target")


def _weights(column: Examples, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    (found,) = column.read(rows)[0].values()
    if found.dtype.kind not in "biuf" or found.ndim != 1:
        raise BadJob(
            f"sample_weight names a field of {found.dtype} and shape {found.shape[1:]}",
            "name a column of numbers",
        )
    weights = found.astype("float32")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise BadJob(
            "sample_weight names a field with negative, missing or infinite values",
            "weights are numbers of at least 0",
        )
    return weights
