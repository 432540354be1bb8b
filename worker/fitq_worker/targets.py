"""What a model learns, in the form that its loss takes, and the metrics that go with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import keras
import numpy as np
from numpy.typing import NDArray

from fitq_shared.errors import BadJob
from fitq_shared.specs.learning import (
    BINARY_LOSSES,
    ONE_HOT_METRICS,
    SPARSE_LOSSES,
    ClassLoss,
    ClassMetric,
)
from fitq_shared.texts import shown
from fitq_worker.examples import Field
from fitq_worker.ports import Port, same_shape, shown_shape

# "index": the number of the class; "one_hot": a 1 at its place; "binary": 0.0 or 1.0;
# "number": numbers as they are.
TargetForm = Literal["index", "one_hot", "binary", "number"]

# The number of a class that a model does not know.
UNKNOWN = -1

_CLASS_LOSSES = frozenset(get_args(ClassLoss))
_CLASS_METRICS = frozenset(get_args(ClassMetric))


@dataclass(frozen=True)
class Target:
    """One field that one output of a model learns.

    Attributes:
        output: the name of the output.
        name: of the field.
        field: what it holds.
        form: how the loss takes it.
        width: how many values the output has for a row on its last axis, if that is fixed.
        given: the classes as the data numbers them, where the field has a model's; None if these
            are the same. Classes go by their names, or by number if no name is in both.
    """

    output: str
    name: str
    field: Field
    form: TargetForm
    width: int | None = None
    given: tuple[str, ...] | None = None

    @property
    def classes(self) -> int:
        """How many classes there are; 0 if it has none."""
        return len(self.field.classes or ())

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the classes, as `numbered` numbers them; None if it has none."""
        known = self.field.classes
        if self.given and known and not set(self.given) & set(known):
            return self.given
        return known

    def encode(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values as the loss takes them.

        Args:
            values: those of the field, of shape (n, *field.shape).

        Returns:
            int32 of the same shape for "index"; float32 of shape (n, ..., classes) for "one_hot";
            float32 of shape (n, 1) for "binary" and for single numbers that an output of one
            value learns; else float32 of the same shape.
        """
        values = self.numbered(values)
        if self.form == "index":
            return values.astype("int32")
        if self.form == "one_hot":
            return np.asarray(np.eye(self.classes, dtype="float32")[values.astype("int64")])
        made = values.astype("float32")
        return made[:, None] if made.ndim == 1 and self.width == 1 else made

    def numbered(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values as the field numbers its classes: of the same shape.

        Args:
            values: as the data numbers its own.

        Raises:
            BadJob: among them are classes that the field does not have.
        """
        if self.given is None or self.names == self.given:
            return values
        found = self._renumbered(values, self.given)
        if (found < 0).any():
            known, unknown = list(self.names or ()), self.called(values[found < 0])
            raise BadJob(
                f"the target {self.name!r} has the classes {shown(unknown, 200)[1:-1]}, which the "
                f"model does not know: it tells {shown(known, 200)[1:-1]} apart",
                "leave these rows out, or train the model on data that has all classes",
            )
        return found

    def known(self, values: NDArray[Any]) -> NDArray[Any]:
        """As `numbered`, but -1 for each class that the field does not have."""
        if not self.classes:
            return values
        found = values.astype("int64")
        if self.given is not None and self.names != self.given:
            return self._renumbered(values, self.given)
        return np.where((found < 0) | (found >= self.classes), UNKNOWN, found)

    def called(self, values: NDArray[Any]) -> list[str]:
        """The names of the classes that are among values, as the data numbers its own."""
        numbers = np.unique(values).tolist()
        names = self.given or ()
        return [names[at] if 0 <= at < len(names) else str(at) for at in numbers]

    def _renumbered(self, values: NDArray[Any], given: tuple[str, ...]) -> NDArray[Any]:
        places = {name: number for number, name in enumerate(self.names or ())}
        table = np.array([places.get(name, UNKNOWN) for name in given], np.int64)
        found: NDArray[Any] = table[values.astype("int64")]
        return found

    def metrics(self, names: Sequence[str]) -> list[Any]:
        """The Keras metrics of these names.

        Raises:
            BadJob: one of them does not fit the target.
        """
        return [self._metric(name) for name in names]

    def check(self, values: NDArray[Any], what: str) -> None:
        """See that the values are classes that the model knows.

        Args:
            values: numbers of classes, of shape (n, ...).
            what: whose they are, for the message.

        Raises:
            BadJob: there are values above the model's classes.
        """
        if not self.classes or not values.size:
            return
        if int(values.max()) >= self.classes:
            raise BadJob(
                f"{what} has labels up to {int(values.max())}, "
                f"but the model tells {self.classes} classes apart",
                "evaluate it on the data set it was trained on",
            )

    def _metric(self, name: str) -> Any:
        if name in _CLASS_METRICS and self.form == "number":
            raise BadJob(
                f"the metric {name!r} counts classes, but the target {self.name!r} is numbers",
                "use --metric mean_absolute_error",
            )
        if name in ONE_HOT_METRICS and self.form == "index":
            raise BadJob(
                f"the metric {name!r} of {self.output!r} needs a loss that takes one-hot labels",
                "use --loss categorical_crossentropy",
            )
        made: dict[str, Callable[[], Any]] = {
            "top_5_accuracy": self._top_5,
            "precision": lambda: keras.metrics.Precision(name="precision"),
            "recall": lambda: keras.metrics.Recall(name="recall"),
            "auc": lambda: keras.metrics.AUC(name="auc"),
            "r2_score": lambda: keras.metrics.R2Score(name="r2_score"),
            "root_mean_squared_error": lambda: keras.metrics.RootMeanSquaredError(name=name),
        }
        return made[name]() if name in made else name

    def _top_5(self) -> Any:
        if self.form == "one_hot":
            return keras.metrics.TopKCategoricalAccuracy(k=5, name="top_5_accuracy")
        return keras.metrics.SparseTopKCategoricalAccuracy(k=5, name="top_5_accuracy")


def target_for(port: Port, name: str, field: Field, loss: Any) -> Target:
    """The field as this output learns it by this loss.

    Args:
        port: the output.
        name: of the field.
        loss: a name of Keras's, or what a model was compiled with; None for the usual one.

    Raises:
        BadJob: field, loss and output do not fit each other; names both shapes and the layer.
    """
    named = loss_name(loss)
    width = port.shape[-1] if port.shape else None
    form = _form(field, named, width, given=loss is not None)
    target = Target(port.name, name, field, form, width)
    _check_shapes(target, port, named)
    return target


def loss_name(loss: Any) -> str | None:
    """How Keras calls a loss: of a string, a function or an object; None for one not of Keras's."""
    if loss is None or isinstance(loss, str):
        return loss
    name = getattr(loss, "__name__", None) or getattr(loss, "name", None)
    known = _CLASS_LOSSES | {"mean_squared_error", "mean_absolute_error"}
    return name if name in known else None


def usual_loss(target: Target) -> str:
    """The loss for a target where none is given."""
    forms = {"index": "sparse_categorical_crossentropy", "one_hot": "categorical_crossentropy"}
    return forms.get(target.form) or (
        "binary_crossentropy" if target.form == "binary" else "mean_squared_error"
    )


def usual_metrics(target: Target) -> list[str]:
    """The metrics for a target where none are given."""
    if target.form != "number":
        return ["accuracy"]
    return [] if len(target.field.shape) > 1 else ["mean_absolute_error"]


def _form(field: Field, loss: str | None, width: int | None, *, given: bool) -> TargetForm:
    whole = field.dtype.startswith(("int", "uint", "bool"))
    if field.classes is None:
        return "index" if loss in SPARSE_LOSSES and whole and not field.shape else "number"
    if not given:
        return "binary" if width == 1 and len(field.classes) == 2 else "index"
    if loss in SPARSE_LOSSES:
        return "index"
    if width == 1 and len(field.classes) == 2:
        return "binary"
    # A loss of the user's own gets the numbers of the classes.
    return "one_hot" if loss is not None else "index"


def _check_shapes(target: Target, port: Port, loss: str | None) -> None:
    field = target.field
    if field.dtype == "str":
        raise BadJob(
            f"the target {target.name!r} is text, which no loss takes",
            "name another target (--target)",
        )
    of_classes = loss in _CLASS_LOSSES and loss not in BINARY_LOSSES
    if target.form == "number" and of_classes and not field.shape:
        raise BadJob(
            f"the loss {loss} takes classes, but the target {target.name!r} is numbers "
            f"({field.dtype})",
            "use --loss mean_squared_error, or declare that the column holds classes",
        )
    classes = f"{target.classes} classes, of shape {shown_shape(field.shape)}"
    if target.form == "one_hot" and target.width not in (None, target.classes):
        raise _misfit(port, classes, target)
    of_class = target.form in ("index", "one_hot") and target.classes
    if of_class and len(port.shape) != len(field.shape) + 1:
        raise _misfit(port, classes, target)
    if target.form == "index" and (target.width or target.classes) < target.classes:
        raise _misfit(port, classes, target)
    if target.form == "number" and not same_shape(port.shape, field.shape):
        raise _misfit(port, f"values of shape {shown_shape(field.shape)}", target)


def _misfit(port: Port, found: str, target: Target) -> BadJob:
    return BadJob(
        f"the output layer {port.name!r} gives {port.shown}, "
        f"but the target {target.name!r} has {found}",
        "let the last layer give what the target has, or name another target (--target)",
    )
