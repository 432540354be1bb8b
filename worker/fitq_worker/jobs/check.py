"""The job that builds a model, and tries it on two rows, without training it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import BadJob
from fitq_shared.specs.models import CodeModel, JsonModel, KerasModel
from fitq_worker import backend
from fitq_worker.datasets.choosing import load_examples
from fitq_worker.datasets.loading import load
from fitq_worker.environment import describe_environment
from fitq_worker.layer_at_fault import inputs_of
from fitq_worker.models import build_model
from fitq_worker.models.own import OwnModel, make_own
from fitq_worker.models.tried import named_outputs, try_model

if TYPE_CHECKING:
    from fitq_shared.specs.check import CheckJob
    from fitq_worker.examples import Arrays
    from fitq_worker.job_context import JobContext

log = logging.getLogger("fitq.job")

ROWS = 2


def run(context: JobContext, spec: CheckJob) -> dict[str, float]:
    """Build the model, say what it is, and try it and its loss on two rows of the data set.

    Returns:
        How many parameters it has, and its loss on the rows, if there are any.
    """
    folder = context.folder
    folder.write_json(AttemptFolder.environment, describe_environment(context.identity))
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(0)
    with backend.scope():
        made = _make(context, spec)
    context.reporter.obey()
    compiled = bool(made.model.compiled)
    metrics: dict[str, float] = {}
    if spec.dataset is not None:
        inputs, targets = _two_rows(context, spec)
        metrics = try_model(made, inputs, targets, spec.loss)
    elif not made.model.built:
        raise BadJob(
            f"the model {made.model.name!r} learns its shapes from the data, and there is none",
            "give a data set: --dataset NAME",
        )
    metrics = {"parameters": made.model.count_params(), **metrics}
    _describe(folder, made, compiled=compiled)
    folder.write_json(AttemptFolder.metrics, metrics)
    return metrics


def _make(context: JobContext, spec: CheckJob) -> OwnModel:
    if isinstance(spec.model, JsonModel | KerasModel | CodeModel):
        return make_own(context, spec.model)
    examples = load_examples(str(spec.dataset), context, "train")
    (target,) = examples.targets.values()
    return OwnModel(build_model(spec.model, examples.inputs, target))


def _two_rows(context: JobContext, spec: CheckJob) -> tuple[Arrays, Arrays]:
    dataset = load(str(spec.dataset), context.store)
    return {"image": dataset.x_train[:ROWS]}, {"label": dataset.y_train[:ROWS].astype("int32")}


def _describe(folder: AttemptFolder, made: OwnModel, *, compiled: bool) -> None:
    model = made.model
    lines: list[str] = []
    model.summary(print_fn=lambda text, **_: lines.append(text), line_length=78)
    folder.write(AttemptFolder.summary, "\n".join(lines) + "\n")
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    folder.write_json(
        AttemptFolder.check,
        {
            "name": model.name,
            "class": type(model).__name__,
            "inputs": [_tensor(one.name, one) for one in inputs_of(model)],
            "outputs": [_tensor(name, one) for name, one in named_outputs(model).items()],
            "parameters": model.count_params(),
            "trainable_parameters": trainable,
            "compiled": compiled,
            "from_builder": sorted([*made.compile_arguments, *made.fit_arguments]),
        },
    )


def _tensor(name: str, tensor: Any) -> dict[str, Any]:
    return {"name": name, "shape": list(tensor.shape[1:]), "dtype": str(tensor.dtype)}
