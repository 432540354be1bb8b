"""The training job."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import keras

from fitq_shared.attempt_folder import AttemptFolder
from fitq_worker import backend
from fitq_worker.datasets.loading import load
from fitq_worker.environment import describe_environment
from fitq_worker.figures.history import plot_history
from fitq_worker.figures.model_plot import plot_model
from fitq_worker.fitting import Fitting
from fitq_worker.jobs.dataset_pictures import draw_dataset
from fitq_worker.models import build_model
from fitq_worker.rows import ShuffledRows, split_rows
from fitq_worker.targets import Targets

if TYPE_CHECKING:
    from fitq_shared.specs.train import TrainJob
    from fitq_worker.datasets.dataset import Dataset
    from fitq_worker.job_context import JobContext

log = logging.getLogger("fitq.job")


def run(context: JobContext, spec: TrainJob) -> dict[str, float]:
    """Train the model, and keep it with its history and pictures.

    It goes on from the newest checkpoint of this attempt or the ones before, if there is any.

    Returns:
        The metrics of the last epoch (of the best one, if early stopping went back to it),
        with `epochs` and `seconds`.
    """
    folder = context.folder
    folder.write_json(AttemptFolder.environment, describe_environment(context.identity, spec.seed))
    dataset = load(spec.dataset, context.store)
    context.reporter.obey()
    targets = Targets(dataset.facts.classes, one_hot=spec.one_hot)
    training, validation = split_rows(dataset, spec.validation_split, spec.rows)
    rows = ShuffledRows(training[0], targets.encode(training[1]), spec.batch_size, spec.seed)
    # Else the names of layers would count on from the models of earlier jobs.
    keras.utils.clear_session(free_memory=False)
    with backend.scope():
        model = _compiled_model(spec, dataset, targets, rows)
    _write_model_description(folder, model)
    context.reporter.obey()
    draw_dataset(folder, dataset)
    context.reporter.obey()
    log.info("training on %s rows, validating on %s", len(training[0]), len(validation[0]))
    held_out = (validation[0], targets.encode(validation[1])) if len(validation[0]) else None
    with backend.scope():
        fitting = Fitting(context, spec, model, rows, held_out)
        fitting.run()
    with folder.file(AttemptFolder.model) as path:
        model.save(path)
    with folder.file(AttemptFolder.history_plot) as path:
        plot_history(fitting.history, path, _title(context, spec))
    metrics = _final_metrics(fitting.history, fitting.kept)
    folder.write_json(AttemptFolder.metrics, metrics)
    return metrics


def _compiled_model(
    spec: TrainJob, dataset: Dataset, targets: Targets, rows: ShuffledRows
) -> keras.Model:
    keras.utils.set_random_seed(spec.seed)
    facts = dataset.facts
    model = build_model(spec.model, facts.image_shape, facts.classes)
    optimizer = keras.optimizers.get(spec.optimizer.name)
    if spec.optimizer.learning_rate is not None:
        optimizer.learning_rate = spec.optimizer.learning_rate
    model.compile(
        optimizer=optimizer,
        loss=spec.loss,
        metrics=targets.metrics(spec.metrics),
        steps_per_execution=rows.steps_per_execution(),
    )
    log.info("model %s: %s parameters", spec.model.type, f"{model.count_params():,}")
    return model


def _final_metrics(rows: list[dict[str, float]], kept: int) -> dict[str, float]:
    row = rows[kept]
    shown = {name: value for name, value in row.items() if name not in ("epoch", "seconds")}
    return {**shown, "epochs": len(rows), "seconds": sum(r["seconds"] for r in rows)}


def _write_model_description(folder: AttemptFolder, model: keras.Model) -> None:
    lines: list[str] = []
    model.summary(print_fn=lambda text, **_: lines.append(text), line_length=78)
    folder.write(AttemptFolder.summary, "\n".join(lines) + "\n")
    folder.write_json(AttemptFolder.model_config, json.loads(model.to_json()))
    with folder.file(AttemptFolder.model_plot) as path:
        plot_model(model, path)


def _title(context: JobContext, spec: TrainJob) -> str:
    return f"{context.record.name}: {spec.model.type} on {spec.dataset}"
