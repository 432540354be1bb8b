"""The spec of a training job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from fitq_shared.errors import Mistake
from fitq_shared.specs.base import AnyModel, JobSpec, Label, dataset_mistakes, known_dataset
from fitq_shared.specs.datasets import AnyDataset, made_by_code
from fitq_shared.specs.learning import (
    DEFAULT_LOSS,
    DEFAULT_METRICS,
    AnyLoss,
    AnyMetrics,
    ClassWeight,
    EarlyStopping,
    FieldName,
    FieldNames,
    Optimizer,
    Weight,
    labels_of,
    learning_mistakes,
    named_optimizer,
)
from fitq_shared.specs.models import MODELS, CodeModel, Model, name_of
from fitq_shared.specs.preprocessing import Preprocessing, preprocessing_mistakes
from fitq_shared.specs.splits import AnySplit, RowSplit, split_mistakes

PositiveInt = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]


class TrainJob(JobSpec):
    """Train a model on a data set's training split and keep it.

    `rows` takes only so many rows from the beginning of the training split, None all of them.
    `validation_split` takes its share from the end of these, before any shuffling, as
    `Model.fit` does, unless `split` says another way. `preprocessing` has the steps by input.
    `seed` fixes weights, order of rows, dropout and what a split draws.

    `inputs` and `target` name fields of the data set where its own choice is not wanted; a target
    may be an input, as an autoencoder's is, and an empty list is for models whose own training
    step takes no target. Without a loss, metrics or optimizer a model that was
    compiled keeps its own; else the loss and metrics are those that suit the target, and the
    optimizer is Adam. `init_from` is a published model whose weights to begin with.
    `class_weight` weighs training rows by their class, by its name or number; `sample_weight`
    names the field with each row's weight. `mixed_precision` computes in 16 bits.

    What it publishes becomes the next version of the model `model_name`, if that is given.
    """

    kind: Literal["train"] = "train"
    dataset: AnyDataset
    rows: Annotated[int, Field(strict=True, ge=2)] | None = None
    model: Model
    inputs: Annotated[FieldNames, Field(min_length=1)] | None = None
    target: FieldNames | None = None
    init_from: AnyModel | None = None
    optimizer: Annotated[Optimizer, BeforeValidator(named_optimizer)] | None = None
    loss: AnyLoss | None = None
    loss_weights: dict[FieldName, Weight] | None = None
    metrics: AnyMetrics | None = None
    class_weight: ClassWeight | None = None
    sample_weight: FieldName | None = None
    mixed_precision: bool = False
    epochs: PositiveInt = 5
    batch_size: PositiveInt = 128
    validation_split: Annotated[float, Field(ge=0, lt=1)] = 0.2
    split: AnySplit = RowSplit()
    preprocessing: Preprocessing = Field(default_factory=dict)
    early_stopping: EarlyStopping | None = None
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**31)] = 0
    model_name: Label | None = None

    @property
    def summary(self) -> str:
        """For example: mlp on mnist, 30 epochs."""
        plural = "" if self.epochs == 1 else "s"
        return f"{name_of(self.model)} on {self.dataset}, {self.epochs} epoch{plural}"

    @property
    def runs_code(self) -> bool:
        """Whether the user's code makes the data, the model, or the one that it begins from."""
        begins_from_code = self.init_from is not None and self.init_from.code
        made = made_by_code(self.dataset)
        return made or begins_from_code or isinstance(self.model, CodeModel)

    @model_validator(mode="before")
    @classmethod
    def _a_model_built_here_has_defaults(cls, data: Any) -> Any:
        """Written out, so that a job says itself how its model was trained."""
        if not isinstance(data, dict) or not _is_built_here(data):
            return data
        defaults: dict[str, Any] = {"optimizer": {}}
        if labels_of(data):
            defaults |= {"loss": DEFAULT_LOSS, "metrics": DEFAULT_METRICS}
        return {**data, **{k: v for k, v in defaults.items() if data.get(k) is None}}

    @classmethod
    def mistakes_between_fields(cls, data: Mapping[str, Any]) -> list[Mistake]:
        """What data set, loss, metrics, split and early stopping demand of each other."""
        return [
            *dataset_mistakes(data),
            *_row_mistakes(data),
            *_split_mistakes(data),
            *split_mistakes(data),
            *preprocessing_mistakes(data),
            *learning_mistakes(data, own_model=not _is_built_here(data)),
        ]


def _is_built_here(data: Mapping[str, Any]) -> bool:
    """Whether the raw values name a model of fitq's own, which is never compiled before."""
    model = data.get("model")
    name = model.get("type") if isinstance(model, Mapping) else model
    return isinstance(name, str) and name in MODELS


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
