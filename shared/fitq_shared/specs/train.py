"""The spec of a training job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from fitq_shared.errors import Mistake
from fitq_shared.specs.base import JobSpec, Spec, dataset_mistakes, known_dataset
from fitq_shared.specs.datasets import AnyDataset
from fitq_shared.specs.mistakes import unknown_choice
from fitq_shared.specs.models import CodeModel, Model
from fitq_shared.specs.preprocessing import Preprocessing, preprocessing_mistakes
from fitq_shared.specs.splits import AnySplit, RowSplit, split_mistakes

OptimizerName = Literal[
    "adadelta", "adagrad", "adam", "adamax", "adamw", "lion", "nadam", "rmsprop", "sgd"
]
Loss = Literal[
    "binary_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "kl_divergence",
    "mean_absolute_error",
    "mean_squared_error",
    "sparse_categorical_crossentropy",
]
Metric = Literal["accuracy", "top_5_accuracy", "precision", "recall", "auc"]

# Which losses take labels as whole numbers; the others take them one-hot.
SPARSE_LOSSES = frozenset({"sparse_categorical_crossentropy"})
ONE_HOT_METRICS = frozenset({"precision", "recall", "auc"})

PositiveInt = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]


class Optimizer(Spec):
    """A Keras optimizer by name. `learning_rate` None is Keras's own default."""

    name: OptimizerName = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = None


def _named(value: Any) -> Any:
    """A name where an optimizer is expected stands for that optimizer with its defaults."""
    return {"name": value} if isinstance(value, str) else value


class EarlyStopping(Spec):
    """Stop when `monitor` has not improved by `min_delta` for `patience` epochs."""

    monitor: str = "val_loss"
    patience: Annotated[int, Field(strict=True, ge=0)] = 3
    min_delta: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    restore_best_weights: bool = True


class TrainJob(JobSpec):
    """Train a model on a data set's training split and keep it.

    `rows` takes only so many rows from the beginning of the training split, None all of them.
    `validation_split` takes its share from the end of these, before any shuffling, as
    `Model.fit` does, unless `split` says another way. `preprocessing` has the steps by input.
    `seed` fixes weights, order of rows, dropout and what a split draws.
    """

    kind: Literal["train"] = "train"
    dataset: AnyDataset
    rows: Annotated[int, Field(strict=True, ge=2)] | None = None
    model: Model
    optimizer: Annotated[Optimizer, BeforeValidator(_named)] = Optimizer()
    loss: Loss = "sparse_categorical_crossentropy"
    metrics: Annotated[tuple[Metric, ...], Field(max_length=16)] = ("accuracy",)
    epochs: PositiveInt = 5
    batch_size: PositiveInt = 128
    validation_split: Annotated[float, Field(ge=0, lt=1)] = 0.2
    split: AnySplit = RowSplit()
    preprocessing: Preprocessing = Field(default_factory=dict)
    early_stopping: EarlyStopping | None = None
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**31)] = 0

    @property
    def summary(self) -> str:
        """For example: mlp on mnist, 30 epochs."""
        plural = "" if self.epochs == 1 else "s"
        return f"{self.model.type} on {self.dataset}, {self.epochs} epoch{plural}"

    @property
    def runs_code(self) -> bool:
        """Whether the model is built by the user's code."""
        return isinstance(self.model, CodeModel)

    @property
    def one_hot(self) -> bool:
        """Whether the loss takes one-hot labels, float32 of shape (n, classes)."""
        return self.loss not in SPARSE_LOSSES

    @classmethod
    def mistakes_between_fields(cls, data: Mapping[str, Any]) -> list[Mistake]:
        """What data set, loss, metrics, split and early stopping demand of each other."""
        return [
            *dataset_mistakes(data),
            *_row_mistakes(data),
            *_loss_mistakes(data),
            *_metric_mistakes(data),
            *_split_mistakes(data),
            *split_mistakes(data),
            *preprocessing_mistakes(data),
            *_monitor_mistakes(data),
        ]


def _loss_mistakes(data: Mapping[str, Any]) -> list[Mistake]:
    facts = known_dataset(data)
    if data.get("loss") != "binary_crossentropy" or facts is None or facts.classes == 2:
        return []
    return [
        Mistake(
            "loss",
            "binary_crossentropy",
            f"a loss for {facts.classes} classes, which {facts.name}'s labels have: "
            "sparse_categorical_crossentropy or categorical_crossentropy "
            "(binary_crossentropy takes two)",
        )
    ]


def _metric_mistakes(data: Mapping[str, Any]) -> list[Mistake]:
    metrics = data.get("metrics", ())
    loss = data.get("loss", "sparse_categorical_crossentropy")
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


def _row_mistakes(data: Mapping[str, Any]) -> list[Mistake]:
    facts = known_dataset(data)
    rows = data.get("rows")
    if facts is None or not isinstance(rows, int) or rows <= facts.rows["train"]:
        return []
    expected = f"at most the {facts.rows['train']} training rows that {facts.name} has"
    return [Mistake("rows", rows, expected)]


def _split_mistakes(data: Mapping[str, Any]) -> list[Mistake]:
    facts = known_dataset(data)
    split = data.get("validation_split")
    if facts is None or not isinstance(split, int | float) or not 0 < split < 1:
        return []
    limit = data.get("rows")
    rows = limit if isinstance(limit, int) and limit >= 2 else facts.rows["train"]
    held = rows - int(rows * (1 - split))
    if 0 < held < rows:
        return []
    expected = f"a share that leaves rows on both sides of {facts.name}'s {rows} training rows"
    return [Mistake("validation_split", split, expected)]


def _monitor_mistakes(data: Mapping[str, Any]) -> list[Mistake]:
    stopping = data.get("early_stopping")
    if not isinstance(stopping, Mapping):
        return []
    monitor = stopping.get("monitor", "val_loss")
    metrics = data.get("metrics", ("accuracy",))
    if not isinstance(monitor, str) or not isinstance(metrics, list | tuple):
        return []
    names = ["loss", *(m for m in metrics if m in get_args(Metric))]
    split = data.get("validation_split", 0.2)
    validated = isinstance(split, int | float) and split > 0
    known = names + [f"val_{name}" for name in names] if validated else names
    if monitor in known:
        return []
    if monitor.removeprefix("val_") in names:
        expected = f"one of {', '.join(known)}: val_… needs a validation_split above 0"
        return [Mistake("early_stopping.monitor", monitor, expected)]
    return [unknown_choice("early_stopping.monitor", monitor, known)]
