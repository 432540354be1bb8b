"""The evaluation job."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.specs.file_model import FileModel
from fitq_worker.environment import describe_environment
from fitq_worker.figures.confusion import confusion_matrix, plot_confusion
from fitq_worker.figures.scatter import plot_scatter
from fitq_worker.given_models import load_compiled
from fitq_worker.held_out import rows_to_measure
from fitq_worker.jobs.dataset_pictures import title_of
from fitq_worker.measuring import measuring
from fitq_worker.predictions import classes_said
from fitq_worker.published_model import load_published

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq_shared.specs.evaluate import EvaluateJob
    from fitq_worker.held_out import Measured
    from fitq_worker.interface import Output
    from fitq_worker.job_context import JobContext
    from fitq_worker.published_model import LoadedModel
    from fitq_worker.targets import Target

log = logging.getLogger("fitq.job")


def run(context: JobContext, spec: EvaluateJob) -> dict[str, float]:
    """Measure a model on a split whose targets are known.

    Each output that tells classes apart gets a confusion matrix, each that says a number a
    scatter of what it said against what is true.

    Returns:
        The loss and metrics that the model was compiled with, on the whole split.
    """
    folder = context.folder
    folder.write_json(AttemptFolder.environment, describe_environment(context.identity))
    published, found = _brought_together(context, spec)
    context.said.rows_used = found.used
    context.said.summary = spec.model_copy(update={"split": found.split}).summary
    context.reporter.obey()
    what = f"{title_of(spec.dataset)}, {found.what}"
    log.info("measures %s rows: %s", len(found.rows), what)
    made = measuring(published, found, what, spec.batch_size, context.reporter)
    metrics, said = made.metrics(), made.said()
    targets = made.fed.feed.targets
    outputs = [one for one in published.interface.outputs if one.name in targets]
    for one in outputs:
        suffix = one.name if len(outputs) > 1 else None
        target = targets[one.name]
        title = f"{spec.model.name} on {what}"
        title += f": {one.name}" if suffix else ""
        values, truth = said[one.name], made.true[one.name]
        _draw(folder, one, target, values, truth, suffix, title)
    folder.write_json(AttemptFolder.metrics, {**metrics, "rows": len(found.rows)})
    return metrics


def _brought_together(context: JobContext, spec: EvaluateJob) -> tuple[LoadedModel, Measured]:
    """The model, and the rows of the data set with the fields that it takes and has learnt."""
    if isinstance(spec.model, FileModel):
        found = rows_to_measure(context, None, spec.dataset, spec.split)
        return load_compiled(context.store, spec.model, found.examples), found
    published = load_published(context.store, spec.model, context.keep_code)
    fields = published.interface.fields
    found = rows_to_measure(context, published.trained, spec.dataset, spec.split, *fields)
    return published, found


def _draw(
    folder: AttemptFolder,
    output: Output,
    target: Target,
    said: NDArray[Any],
    true: NDArray[Any],
    suffix: str | None,
    title: str,
) -> None:
    if output.kind == "class" or (target.form == "binary" and target.names):
        classes = target.names or output.classes or ()
        labels = classes_said(said)
        matrix = confusion_matrix(true, labels, len(classes))
        folder.write_json(
            AttemptFolder.named(AttemptFolder.confusion, suffix),
            {"class_names": classes, "matrix": matrix.tolist()},
        )
        with folder.file(AttemptFolder.named(AttemptFolder.confusion_plot, suffix)) as path:
            plot_confusion(true, labels, classes, path, title)
    elif output.kind == "number":
        with folder.file(AttemptFolder.named(AttemptFolder.scatter_plot, suffix)) as path:
            plot_scatter(true.reshape(len(true), -1)[:, 0], said.reshape(-1), path, title)
