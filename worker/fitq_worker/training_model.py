"""The model of one training: made, fed and compiled."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from fitq_shared.errors import BadJob
from fitq_shared.specs.models import CodeModel, JsonModel, KerasModel, name_of
from fitq_worker.compiling import Wishes, compile_model, feed_of, validates
from fitq_worker.feeding import Fed, Feed
from fitq_worker.initial_weights import begin_from
from fitq_worker.models import build_model
from fitq_worker.models.own import OwnModel, make_own
from fitq_worker.obeying import Obeying
from fitq_worker.published_model import load_published
from fitq_worker.raw_model import raw_interface, with_preprocessing
from fitq_worker.rows import ShuffledRows
from fitq_worker.weighing import Weigh, class_table, weigh_by

if TYPE_CHECKING:
    from fitq_shared.specs.train import TrainJob
    from fitq_worker.examples import Examples, Field
    from fitq_worker.interface import Interface
    from fitq_worker.job_context import JobContext
    from fitq_worker.training_data import TrainingData

log = logging.getLogger("fitq.job")


@dataclass(frozen=True)
class TrainingModel:
    """A compiled model with all that it is fitted with.

    Attributes:
        model: what is fitted: it takes prepared inputs.
        published: what is kept: it takes raw inputs, and shares all weights with `model`.
        rows: to train on.
        held_out: rows to validate on, if there are any and the model can be measured.
        callbacks: the user's own.
        interface: what `published` takes and gives.
    """

    model: keras.Model
    published: keras.Model
    rows: ShuffledRows
    held_out: Fed | None
    callbacks: Sequence[keras.callbacks.Callback]
    interface: Interface


def make_training_model(context: JobContext, spec: TrainJob, data: TrainingData) -> TrainingModel:
    """Make the model with its first weights, and compile it.

    Raises:
        BadJob: model, data, loss and weights do not fit each other.
    """
    made = _make(context, spec, data.examples)
    model, given = made.model, made.compile_arguments
    feed = feed_of(model, data.examples, Wishes(spec.loss, spec.metrics, given))
    wanted = spec.class_weight or made.fit_arguments.get("class_weight")
    rows = data.training(feed, _weigh(context, wanted, feed, data))
    shuffled = ShuffledRows(rows, spec.batch_size, spec.seed)
    compile_model(model, spec, feed, given, shuffled.batches, shuffled.steps_per_execution())
    log.info("model %s: %s parameters", name_of(spec.model), _parameters(model))
    # As `fit` does: weights of classes count in training only.
    held_out = data.validation(feed, weigh_by(None, None, data.weights))
    if held_out is not None and not validates(model):
        log.info("validates on no rows: it has no loss, test_step or compute_loss")
        held_out = None
    published = with_preprocessing(model, feed, data)
    callbacks = made.fit_arguments.get("callbacks", ())
    interface = raw_interface(model, published, feed, data)
    return TrainingModel(model, published, shuffled, held_out, callbacks, interface)


def _make(context: JobContext, spec: TrainJob, examples: Examples) -> OwnModel:
    """The model with its first weights, and what the user's builder gave besides."""
    keras.utils.set_random_seed(spec.seed)
    if isinstance(spec.model, CodeModel | JsonModel | KerasModel):
        made = make_own(context, spec.model)
    else:
        made = OwnModel(build_model(spec.model, examples.inputs, _only_target(spec, examples)))
    if spec.init_from is not None:
        # Its code may be an older version of the model's own: it goes again before that is run.
        with ExitStack() as briefly:
            source = load_published(
                *(context.store, spec.init_from),
                lambda code: briefly.enter_context(context.own_code(code)),
            )
            begin_from(made.model, source.model, spec.init_from.name)
    return made


def _only_target(spec: TrainJob, examples: Examples) -> Field:
    targets = examples.targets
    if len(targets) == 1:
        return next(iter(targets.values()))
    raise BadJob(
        f"the {spec.model.type} learns one target, "
        f"but {spec.dataset} has {', '.join(targets) or 'none'}",
        "name one field with --target",
    )


def _weigh(context: JobContext, wanted: Any, feed: Feed, data: TrainingData) -> Weigh | None:
    if wanted is None and data.weights is None:
        return None
    if not feed.targets:
        raise BadJob("weights need a target", "name one with --target, or give no weights")
    if wanted is None:
        return weigh_by(None, None, data.weights)
    if len(feed.targets) > 1:
        raise BadJob(
            f"class_weight needs one target, but there are {', '.join(feed.targets)}",
            "weigh the rows by a column instead (--sample-weight)",
        )
    (target,) = feed.targets.values()
    asked = Obeying(data.raw, context.reporter.obey)
    return weigh_by(class_table(wanted, target, asked, data.parts.train), target, data.weights)


def _parameters(model: keras.Model) -> str:
    return f"{sum(int(np.prod(weight.shape)) for weight in model.weights):,}"
