"""Whole numbers that a loss takes for classes, although nobody has named these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from fitq_shared.errors import BadJob
from fitq_shared.specs.learning import ClassLoss
from fitq_worker.examples import Examples, Field, Wrapped, in_parts

MOST_CLASSES = 100_000
_CLASS_LOSSES = get_args(ClassLoss)


def with_classes(
    examples: Examples, loss: Any, rows: NDArray[np.int64], read_from: Examples | None = None
) -> Examples:
    """The examples, with the numbers 0, 1, … as classes where a loss takes targets as classes.

    Args:
        loss: as a job says it: a name, a table by output, which goes by the target's name, or None.
        rows: the training rows, in which the classes are counted.
        read_from: the same examples as they are to be gone through for that.

    Raises:
        BadJob: a target has numbers that no class has.
    """
    found = {
        name: _classes(read_from or examples, name, rows)
        for name, one in examples.targets.items()
        if _means_classes(loss, name, len(examples.targets)) and _unnamed(one)
    }
    return _WithClasses(examples, found) if found else examples


@dataclass(frozen=True, eq=False)
class _WithClasses(Wrapped):
    classes: Mapping[str, tuple[str, ...]]

    @property
    def targets(self) -> Mapping[str, Field]:
        return {
            name: replace(one, classes=self.classes[name]) if name in self.classes else one
            for name, one in self.examples.targets.items()
        }


def _means_classes(loss: Any, name: str, targets: int) -> bool:
    if isinstance(loss, Mapping):
        named = loss.get(name, *([next(iter(loss.values()))] if targets == len(loss) == 1 else []))
        return named in _CLASS_LOSSES
    return loss in _CLASS_LOSSES


def _unnamed(one: Field) -> bool:
    return one.classes is None and not one.shape and one.dtype.startswith(("int", "uint", "bool"))


def _classes(examples: Examples, name: str, rows: NDArray[np.int64]) -> tuple[str, ...]:
    least, most = 0, 0
    for _, targets in in_parts(examples, rows, [name]):
        values = targets[name]
        least, most = min(least, int(values.min())), max(most, int(values.max()))
    if least < 0 or most >= MOST_CLASSES:
        raise BadJob(
            f"the loss takes classes, but the target {name!r} has numbers from {least} to {most}",
            "number classes from 0 on, or use --loss mean_squared_error",
        )
    return tuple(str(number) for number in range(most + 1))
