"""The job that builds a model, and tries it on two rows, without training it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import BadJob
from fitq_shared.specs.models import CodeModel, JsonModel, KerasModel
from fitq_shared.specs.train import TrainJob
from fitq_worker import backend
from fitq_worker.compiling import trains_itself, validates
from fitq_worker.environment import describe_environment
from fitq_worker.jobs.model_summary import write_summary
from fitq_worker.layer_at_fault import MISFITS, naming_the_layer
from fitq_worker.model_errors import words
from fitq_worker.models.own import make_own
from fitq_worker.own_errors import own_errors
from fitq_worker.ports import Side, inputs_of, outputs_like, outputs_of, shown_shape
from fitq_worker.training_data import load_training_data
from fitq_worker.training_model import make_training_model

if TYPE_CHECKING:
    from fitq_shared.specs.check import CheckJob
    from fitq_worker.examples import Arrays
    from fitq_worker.job_context import JobContext

ROWS = 2
SEED = 0

Tried = tuple[keras.Model, Side | None]


def run(context: JobContext, spec: CheckJob) -> dict[str, float]:
    """Build the model, say what it is, and try it and its loss on two rows of the data set.

    Returns:
        How many parameters it has. What its loss and metrics are before it is trained says nothing.
    """
    folder = context.folder
    folder.write_json(AttemptFolder.environment, describe_environment(context.identity, SEED))
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(SEED)
    with backend.scope():
        if spec.dataset is None and isinstance(spec.model, CodeModel | JsonModel | KerasModel):
            model, outputs = _built(context, spec.model)
        else:
            model, outputs = _tried(context, spec)
    metrics = {"parameters": float(model.count_params())}
    _describe(folder, model, outputs)
    folder.write_json(AttemptFolder.metrics, metrics)
    return metrics


def _built(context: JobContext, spec: CodeModel | JsonModel | KerasModel) -> Tried:
    """The model alone."""
    model = make_own(context, spec).model
    if not model.built:
        raise BadJob(
            f"the model {model.name!r} learns its shapes from the data, and there is none",
            "give a data set: --dataset NAME",
        )
    return model, outputs_of(model)


def _tried(context: JobContext, spec: CheckJob) -> Tried:
    """The model as a training would make it for this data set, and what two rows give."""
    job = TrainJob.parse(
        {
            **spec.model_dump(mode="json", exclude={"kind"}),
            "kind": "train",
            "batch_size": ROWS,
            "validation_split": 0,
            "seed": SEED,
        }
    )
    data = load_training_data(context, job)
    context.reporter.obey()
    made = make_training_model(context, job, data)
    _, targets = data.examples.read(np.arange(ROWS))
    x, *rest = made.rows.data.read(np.arange(ROWS))
    with own_errors(), naming_the_layer(data.examples.inputs):
        given = made.model(keras.tree.map_structure(keras.ops.convert_to_tensor, x), training=False)
    outputs = outputs_of(made.published) or outputs_like(given)
    with own_errors(), _naming_the_loss(outputs, targets):
        _try_the_loss(made.model, x, rest[0] if rest else None)
    return made.published, outputs


def _try_the_loss(model: keras.Model, x: Any, y: Any) -> None:
    """The loss of some rows can be computed; a model with a training step of its own takes one."""
    if trains_itself(model):
        model.train_on_batch(x, y)
    elif y is not None and validates(model):
        model.test_on_batch(x, y)


@contextlib.contextmanager
def _naming_the_loss(outputs: Side, targets: Arrays) -> Iterator[None]:
    try:
        yield
    except MISFITS as error:
        if backend.memory_is_exhausted(error):
            raise
        gives = ", ".join(f"{port.name!r} {port.shown}" for port in outputs.ports)
        learns = ", ".join(f"{n!r} {shown_shape(one.shape[1:])}" for n, one in targets.items())
        raise BadJob(
            f"the loss cannot take what the model gives, {gives}, with the targets, {learns}: "
            f"{words(error)}",
            "change the model's last layer, or choose a loss that goes with both (--loss)",
        ) from error


def _describe(folder: AttemptFolder, model: keras.Model, outputs: Side | None) -> None:
    write_summary(folder, model)
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    folder.write_json(
        AttemptFolder.check,
        {
            "name": model.name,
            "class": type(model).__name__,
            "inputs": _ports(inputs_of(model)),
            "outputs": _ports(outputs),
            "parameters": model.count_params(),
            "trainable_parameters": trainable,
        },
    )


def _ports(side: Side | None) -> list[dict[str, Any]]:
    if side is None:
        return []
    return [
        {"name": port.name, "shape": list(port.shape), "dtype": port.dtype} for port in side.ports
    ]
