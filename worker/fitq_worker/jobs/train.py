"""The training job."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import keras

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.specs.models import name_of
from fitq_worker import backend
from fitq_worker.environment import describe_environment
from fitq_worker.figures.history import plot_history
from fitq_worker.figures.model_plot import plot_model
from fitq_worker.fitting import Fitting
from fitq_worker.jobs.dataset_pictures import draw_examples
from fitq_worker.jobs.model_summary import write_summary
from fitq_worker.model_errors import words
from fitq_worker.training_data import load_training_data
from fitq_worker.training_model import make_training_model

if TYPE_CHECKING:
    from fitq_shared.specs.train import TrainJob
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
    # Else the names of layers would count on from the models of earlier jobs.
    keras.utils.clear_session(free_memory=False)
    data = load_training_data(context, spec)
    with backend.precision(mixed=spec.mixed_precision), backend.scope():
        made = make_training_model(context, spec, data)
    _describe_model(folder, made.published)
    folder.write_json(AttemptFolder.interface, made.interface.to_json())
    context.reporter.obey()
    draw_examples(folder, spec.dataset, data.raw)
    context.reporter.obey()
    parts = data.parts
    log.info("training on %s rows, validating on %s", len(parts.train), len(parts.validation))
    with backend.precision(mixed=spec.mixed_precision), backend.scope():
        fitting = Fitting(context, spec, made.model, made.rows, made.held_out, made.callbacks)
        fitting.run()
    with folder.file(AttemptFolder.model) as path:
        made.published.save(path)
    with folder.file(AttemptFolder.history_plot) as path:
        plot_history(fitting.history, path, title(context.record.name, spec))
    metrics = _final_metrics(fitting.history, fitting.kept)
    folder.write_json(AttemptFolder.metrics, metrics)
    return metrics


def _final_metrics(rows: list[dict[str, float]], kept: int) -> dict[str, float]:
    row = rows[kept]
    shown = {name: value for name, value in row.items() if name not in ("epoch", "seconds")}
    return {**shown, "epochs": len(rows), "seconds": sum(r["seconds"] for r in rows)}


def _describe_model(folder: AttemptFolder, model: keras.Model) -> None:
    write_summary(folder, model)
    try:
        config = json.loads(model.to_json())
    except (TypeError, ValueError, NotImplementedError) as error:
        # A class of the user's own that does not say how it is made: only its code knows.
        log.warning("the model has no configuration: %s", words(error))
    else:
        folder.write_json(AttemptFolder.model_config, config)
    if model.built:
        with folder.file(AttemptFolder.model_plot) as path:
            plot_model(model, path)


def title(name: str, spec: TrainJob) -> str:
    """What stands above the history's picture: mine: net.py:build on mnist."""
    return f"{name}: {name_of(spec.model)} on {spec.dataset}"
