"""What a model said of rows, output by output: as columns, as arrays, and in a few words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitq_shared.errors import BadJob
from fitq_worker.interface import Kind
from fitq_worker.targets import UNKNOWN

MOST_COLUMNS = 1000

Columns = dict[str, Sequence[Any]]


@dataclass(frozen=True)
class Said:
    """What one output said of all rows.

    Attributes:
        name: of the output.
        kind: what a row says.
        values: shape (n, ...): probabilities, or numbers.
        classes: their names, for probabilities.
        true: what is true of the rows, where that is known and no array: shape (n,). A class that
            the model does not know is -1.
    """

    name: str
    kind: Kind
    values: NDArray[Any]
    classes: tuple[str, ...] | None = None
    true: NDArray[Any] | None = None

    @property
    def labels(self) -> NDArray[np.int64]:
        """The number of the class that each row is said to be of: shape (n,)."""
        return classes_said(self.values)

    @property
    def without_truth(self) -> int:
        """How many rows are of a class that the model does not know."""
        if self.true is None or self.kind != "class":
            return 0
        return int((self.true == UNKNOWN).sum())

    def metric(self) -> tuple[str, float] | None:
        """How good it is, where the truth is known: its share that is right, or its mean error."""
        if self.true is None or len(self.true) == self.without_truth:
            return None
        if self.kind == "class":
            known = self.true != UNKNOWN
            return "accuracy", float((self.labels == self.true)[known].mean())
        return "mean_absolute_error", float(np.abs(self._numbers() - self.true).mean())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As an `.npz` has it."""
        made: dict[str, NDArray[Any]]
        if self.kind == "class":
            made = {
                "classes": self.labels,
                "class_names": np.array(self.classes),
                "probabilities": self.values,
            }
        else:
            made = {"values": self.values}
        if self.true is not None:
            # Of one shape with the values: their difference would else be a matrix.
            true = self.true.reshape(self.values.shape) if self.kind == "number" else self.true
            made["true"] = true
        return made

    def columns(self) -> Columns:
        """As a CSV file has it.

        Raises:
            BadJob: a row is no line of numbers.
        """
        if self.kind == "class":
            return self._class_columns()
        numbers = self._numbers()
        if numbers.ndim == 1:
            known: Columns = {} if self.true is None else {"true": self.true.tolist()}
            return {"value": _digits(numbers), **known}
        if numbers.ndim > 2 or numbers.shape[1] > MOST_COLUMNS:
            raise BadJob(
                f"what {self.name!r} gives, {numbers.shape}, is no table",
                "ask for --format npz",
            )
        return {f"value_{at}": _digits(numbers[:, at]) for at in range(numbers.shape[1])}

    def head(self, rows: int) -> list[dict[str, Any]]:
        """The first rows in a few words each, fit for JSON."""
        return [self._words(row) for row in range(min(rows, len(self.values)))]

    def _words(self, row: int) -> dict[str, Any]:
        made: dict[str, Any]
        if self.kind == "class" and self.classes:
            label = int(self.labels[row])
            sure = self.values[row, label] if self.values.shape[-1] > 1 else self._share(row)
            made = {"class": label, "name": self.classes[label], "probability": float(sure)}
            if self.true is not None:
                true = int(self.true[row])
                made["true"] = None if true == UNKNOWN else self.classes[true]
            return made
        numbers = self._numbers()
        if numbers.ndim > 1:
            return {"values": f"array of shape {numbers.shape[1:]}"}
        made = {"value": float(numbers[row])}
        if self.true is not None:
            made["true"] = self.true[row].item()
        return made

    def _share(self, row: int) -> float:
        share = float(self.values.reshape(-1)[row])
        return share if share > 0.5 else 1 - share

    def _class_columns(self) -> Columns:
        names = self.classes or ()
        labels = self.labels
        made: Columns = {"class": labels.tolist(), "name": [names[label] for label in labels]}
        if self.true is not None:
            true = [None if label == UNKNOWN else int(label) for label in self.true]
            made["true"] = ["" if label is None else label for label in true]
            made["true_name"] = ["" if label is None else names[label] for label in true]
        if self.values.shape[-1] == 1:
            return {**made, f"p_{names[1]}": _digits(self.values.reshape(-1))}
        for at, name in enumerate(names):
            made[f"p_{name}"] = _digits(self.values[:, at])
        return made

    def _numbers(self) -> NDArray[Any]:
        single = self.kind == "number" and self.values.ndim > 1
        return self.values.reshape(len(self.values)) if single else self.values


def classes_said(said: NDArray[Any]) -> NDArray[np.int64]:
    """The number of the class that each row is said to be of.

    Args:
        said: probabilities of shape (n, classes), or of the second of two classes, (n, 1).
    """
    if said.ndim == 1 or said.shape[1] == 1:
        return (said.reshape(len(said)) > 0.5).astype(np.int64)
    return np.asarray(said.argmax(axis=1), np.int64)


def together(said: Sequence[Said], part: str) -> dict[str, Any]:
    """One part, "arrays" or "columns", of all outputs: with several, each by its name."""
    if len(said) == 1:
        return dict(getattr(said[0], part)())
    return {
        f"{one.name}_{key}": value for one in said for key, value in getattr(one, part)().items()
    }


def heads(said: Sequence[Said], rows: int) -> list[dict[str, Any]]:
    """The first rows in a few words each: with several outputs, each by its name."""
    several = len(said) > 1
    made: list[dict[str, Any]] = []
    for parts in zip(*(one.head(rows) for one in said), strict=True):
        row: dict[str, Any] = {"row": len(made)}
        for one, part in zip(said, parts, strict=True):
            row.update({f"{one.name} {k}" if several else k: v for k, v in part.items()})
        made.append(row)
    return made


def _digits(values: NDArray[Any]) -> list[str]:
    return [f"{value:.9g}" for value in values]
