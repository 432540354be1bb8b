"""The rows of one training: where they come from, how they are divided, prepared and weighed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fitq_shared.specs.models import MODELS
from fitq_shared.specs.preprocessing import first_resize
from fitq_worker.datasets.choosing import load_columns, load_examples
from fitq_worker.examples_classes import with_classes
from fitq_worker.feeding import Fed
from fitq_worker.obeying import Obeying
from fitq_worker.preprocessing.preparation import Preparation, prepare
from fitq_worker.preprocessing.prepared import Prepared
from fitq_worker.splits import Parts, divide, split_column, values_of

if TYPE_CHECKING:
    from fitq_shared.specs.train import TrainJob
    from fitq_worker.examples import Examples
    from fitq_worker.feeding import Feed
    from fitq_worker.job_context import JobContext
    from fitq_worker.weighing import Weigh


@dataclass(frozen=True)
class TrainingData:
    """The training split of a data set, for one job.

    Attributes:
        raw: its rows as the data has them.
        parts: which of them are for training, and which to validate on.
        preparation: what is done with the inputs before the model takes them.
        weights: examples whose one input is the rows' weights, if they have any.
    """

    raw: Examples
    parts: Parts
    preparation: Preparation
    weights: Examples | None

    @property
    def examples(self) -> Examples:
        """The rows as the model takes them, where nothing is drawn by chance."""
        return self.raw if self.preparation.empty else Prepared(self.raw, self.preparation)

    def training(self, feed: Feed, weigh: Weigh | None) -> Fed:
        """The rows to train on; what augmentation draws differs each time that they are read."""
        if self.preparation.empty:
            return Fed(feed, self.raw, self.parts.train, weigh)
        rows = Prepared(self.raw, self.preparation, training=True)
        return Fed(feed, rows, self.parts.train, weigh, held=not self.preparation.draws)

    def validation(self, feed: Feed, weigh: Weigh | None) -> Fed | None:
        """The rows to validate on, if there are any."""
        if not len(self.parts.validation):
            return None
        return Fed(feed, self.examples, self.parts.validation, weigh)


def load_training_data(context: JobContext, spec: TrainJob) -> TrainingData:
    """Load what a job trains on, divide its rows, and learn its preprocessing from them.

    Raises:
        BadJob: the data set has no such fields or rows; or steps do not fit the inputs.
        JobError: no source has the data.
        StoreError: the store cannot be read, or what is there is damaged.
    """
    raw = learnt_from(context, spec)
    context.reporter.obey()
    parts = divided(context, spec, raw)
    asked = Obeying(raw, context.reporter.obey)
    raw = with_classes(raw, spec.loss, parts.train, asked)
    zoo = spec.model.type in MODELS
    preparation = prepare(spec.preprocessing, asked, parts.train, spec.seed, defaults=zoo)
    weights = None
    if spec.sample_weight is not None:
        weights = load_columns(spec.dataset, context, "train", [spec.sample_weight])
    return TrainingData(raw, parts, preparation, weights)


def learnt_from(context: JobContext, spec: TrainJob) -> Examples:
    """All rows of a job's data set that are there to be learnt from, as the data has them.

    Raises:
        BadJob, JobError, StoreError: as `load_training_data`.
    """
    return load_examples(
        *(spec.dataset, context, "train", spec.inputs, spec.target),
        without=_no_inputs(spec),
        resize=first_resize(spec.preprocessing),
    )


def divided(context: JobContext, spec: TrainJob, examples: Examples) -> Parts:
    """How a job divides those rows: the same each time.

    Raises:
        BadJob, JobError, StoreError: as `load_training_data`.
    """
    name = split_column(spec, examples.targets)
    if name is None:
        return divide(spec, len(examples))
    there = name in examples.targets
    source = examples if there else load_columns(spec.dataset, context, "train", [name])
    values = values_of(Obeying(source, context.reporter.obey), name)
    return divide(spec, len(examples), values)


def _no_inputs(spec: TrainJob) -> list[str]:
    """Fields that say something of the rows, and are nothing to learn from."""
    by = spec.split.column if spec.split.by in ("group", "column") else None
    return [name for name in (spec.sample_weight, by) if name is not None]
