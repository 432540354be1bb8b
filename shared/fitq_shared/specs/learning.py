"""How a model learns: optimizer, losses, metrics, weights of classes and rows, early stopping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Discriminator, Field, StringConstraints, Tag, model_validator

from fitq_shared.errors import Mistake
from fitq_shared.specs.base import Spec, known_dataset
from fitq_shared.specs.mistakes import unknown_choice
from fitq_shared.specs.schedules import Rate, Schedule

OptimizerName = Literal[
    "adadelta", "adagrad", "adam", "adamax", "adamw", "lion", "nadam", "rmsprop", "sgd"
]
ClassLoss = Literal[
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "kl_divergence",
    "sparse_categorical_crossentropy",
]
NumberLoss = Literal[
    "cosine_similarity",
    "huber",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
]
Loss = Literal[ClassLoss, NumberLoss]
ClassMetric = Literal["accuracy", "top_5_accuracy", "precision", "recall", "auc"]
NumberMetric = Literal[
    "cosine_similarity",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "r2_score",
    "root_mean_squared_error",
]
Metric = Literal[ClassMetric, NumberMetric]

# Which losses take labels as whole numbers; the others take them one-hot.
SPARSE_LOSSES = frozenset({"sparse_categorical_crossentropy"})
BINARY_LOSSES = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})
ONE_HOT_METRICS = frozenset({"precision", "recall", "auc"})
WITH_MOMENTUM = ("rmsprop", "sgd")
DEFAULT_LOSS = "sparse_categorical_crossentropy"
DEFAULT_METRICS = ("accuracy",)

FieldName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Weight = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


def _form(value: object) -> str:
    return "by output" if isinstance(value, Mapping) else "of all"


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Metrics = Annotated[tuple[Metric, ...], Field(max_length=16), BeforeValidator(_listed)]
# One for every output, or a table of them by the outputs' names.
AnyLoss = Annotated[
    Annotated[Loss, Tag("of all")] | Annotated[dict[FieldName, Loss], Tag("by output")],
    Discriminator(_form),
]
AnyMetrics = Annotated[
    Annotated[Metrics, Tag("of all")] | Annotated[dict[FieldName, Metrics], Tag("by output")],
    Discriminator(_form),
]
ClassWeight = Annotated[
    Annotated[Literal["balanced"], Tag("of all")]
    | Annotated[dict[FieldName, Weight], Field(min_length=1), Tag("by output")],
    Discriminator(_form),
]
FieldNames = Annotated[tuple[FieldName, ...], Field(max_length=1000), BeforeValidator(_listed)]


class Optimizer(Spec):
    """A Keras optimizer by name; None is Keras's own default everywhere.

    `schedule` lets the learning rate change while the training goes on, from `learning_rate` on.
    `clipnorm` is the greatest norm that the gradient of one variable may have.
    """

    name: OptimizerName = "adam"
    learning_rate: Rate | None = None
    schedule: Schedule | None = None
    weight_decay: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    momentum: Annotated[float, Field(ge=0, lt=1)] | None = None
    clipnorm: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _momentum_is_taken(self) -> Optimizer:
        if self.momentum is not None and self.name not in WITH_MOMENTUM:
            raise ValueError(f"momentum for {' and '.join(WITH_MOMENTUM)} only, not {self.name}")
        return self


def named_optimizer(value: Any) -> Any:
    """A name where an optimizer is expected stands for that optimizer with its defaults."""
    return {"name": value} if isinstance(value, str) else value


class EarlyStopping(Spec):
    """Stop when `monitor` has not improved by `min_delta` for `patience` epochs.

    `mode` says whether less or more of it is better; "auto" lets Keras find out.
    """

    monitor: FieldName = "val_loss"
    patience: Annotated[int, Field(strict=True, ge=0)] = 3
    min_delta: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    mode: Literal["auto", "min", "max"] = "auto"
    restore_best_weights: bool = True


def learning_mistakes(data: Mapping[str, Any], *, own_model: bool) -> list[Mistake]:
    """What data set, loss, metrics, weights and early stopping demand of each other.

    Args:
        data: the raw values of a training job.
        own_model: whether the model may have a loss and metrics of its own.
    """
    return [
        *_loss_mistakes(data),
        *_metric_mistakes(data),
        *_weight_mistakes(data),
        *_precision_mistakes(data),
        *_monitor_mistakes(data, own_model),
    ]


def labels_of(data: Mapping[str, Any]) -> bool:
    """Whether these raw values learn the labels of a data set of the catalogue's, by its name."""
    return isinstance(data.get("dataset"), str) and data.get("target") in (None, "label", ["label"])


def _loss_mistakes(data: Mapping[str, Any]) -> list[Mistake]:
    facts, loss = known_dataset(data), data.get("loss")
    if facts is None or facts.classes == 2 or not labels_of(data):
        return []
    if not isinstance(loss, str) or loss not in BINARY_LOSSES:
        return []
    return [
        Mistake(
            "loss",
            loss,
            f"a loss for {facts.classes} classes, which {facts.name}'s labels have: "
            f"sparse_categorical_crossentropy or categorical_crossentropy ({loss} takes two)",
        )
    ]


def _metric_mistakes(data: Mapping[str, Any]) -> list[Mistake]:
    metrics, loss = data.get("metrics", ()), data.get("loss")
    if loss is None and labels_of(data):
        loss = DEFAULT_LOSS
    if not isinstance(loss, str) or loss not in SPARSE_LOSSES:
        return []
    if not isinstance(metrics, list | tuple):
        return []
    return [
        Mistake(
            "metrics",
            metric,
            "a metric that fits sparse_categorical_crossentropy: accuracy or top_5_accuracy "
            "(precision, recall and auc need categorical_crossentropy)",
        )
        for metric in metrics
        if isinstance(metric, str) and metric in ONE_HOT_METRICS
    ]


def _weight_mistakes(data: Mapping[str, Any]) -> list[Mistake]:
    weights, loss = data.get("loss_weights"), data.get("loss")
    if not isinstance(weights, Mapping) or not isinstance(loss, Mapping):
        return []
    return [unknown_choice("loss_weights", name, loss) for name in weights if name not in loss]


def _precision_mistakes(data: Mapping[str, Any]) -> list[Mistake]:
    model = data.get("model")
    kind = model.get("type") if isinstance(model, Mapping) else None
    if data.get("mixed_precision") is not True or kind not in ("json", "keras"):
        return []
    expected = "nothing, since a model's file says itself in what its layers compute"
    return [Mistake("mixed_precision", True, expected)]


def _monitor_mistakes(data: Mapping[str, Any], own_model: bool) -> list[Mistake]:
    """Only what one output and metrics by name show; the worker knows the rest."""
    stopping = data.get("early_stopping")
    if own_model or not isinstance(stopping, Mapping) or not labels_of(data):
        return []
    monitor = stopping.get("monitor", "val_loss")
    metrics = data.get("metrics")
    metrics = DEFAULT_METRICS if metrics is None else metrics
    if not isinstance(monitor, str) or not isinstance(metrics, list | tuple):
        return []
    names = ["loss", *(m for m in metrics if m in _all_metrics())]
    split = data.get("validation_split", 0.2)
    validated = isinstance(split, int | float) and split > 0
    known = names + [f"val_{name}" for name in names] if validated else names
    if monitor in known:
        return []
    if monitor.removeprefix("val_") in names:
        expected = f"one of {', '.join(known)}: val_… needs a validation_split above 0"
        return [Mistake("early_stopping.monitor", monitor, expected)]
    return [unknown_choice("early_stopping.monitor", monitor, known)]


def _all_metrics() -> tuple[str, ...]:
    return get_args(Metric)
