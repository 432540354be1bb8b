"""The evaluation job."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fitq_shared.attempt_folder import AttemptFolder
from fitq_worker import backend
from fitq_worker.behind_steps import BehindSteps, behind_steps
from fitq_worker.callbacks.progress import Progress
from fitq_worker.environment import describe_environment
from fitq_worker.feeding import Fed
from fitq_worker.figures.confusion import confusion_matrix, plot_confusion
from fitq_worker.figures.scatter import plot_scatter
from fitq_worker.held_out import rows_to_measure
from fitq_worker.input_fields import check_pixels
from fitq_worker.jobs.dataset_pictures import title_of
from fitq_worker.measured import feed_published, predicted, read_targets
from fitq_worker.model_errors import layer_named
from fitq_worker.predictions import classes_said
from fitq_worker.published_model import load_published
from fitq_worker.rows import batches_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq_shared.specs.evaluate import EvaluateJob
    from fitq_worker.interface import Output
    from fitq_worker.job_context import JobContext
    from fitq_worker.targets import Target

log = logging.getLogger("fitq.job")


def run(context: JobContext, spec: EvaluateJob) -> dict[str, float]:
    """Measure a published model on a split whose targets are known.

    Each output that tells classes apart gets a confusion matrix, each that says a number a
    scatter of what it said against what is true.

    Returns:
        The loss and metrics that the model was compiled with, on the whole split.
    """
    folder = context.folder
    folder.write_json(AttemptFolder.environment, describe_environment(context.identity))
    published = load_published(context.store, spec.model, context.keep_code)
    fields = published.interface.fields
    found = rows_to_measure(context, published.trained, spec.dataset, spec.split, *fields)
    context.reporter.obey()
    what = f"{title_of(spec.dataset)}, {found.what}"
    feed = feed_published(published, found.examples)
    fed = _ReadOnce(feed, found.examples, found.rows)
    log.info("measures %s rows: %s", len(fed), what)
    check_pixels(fed, published.interface, what)
    true = read_targets(fed, context.reporter.obey)
    for name, target in feed.targets.items():
        target.check(true[name], str(spec.dataset))
    own = behind_steps(published.model)
    measured = replace(published, model=own.model) if own else published
    measured.compile()
    progress = Progress(context.reporter, 1, batches_of(fed, spec.batch_size))
    with layer_named("the model cannot be measured on the data"), backend.reading():
        metrics = _measure(measured.model, fed, spec.batch_size, progress, own)
    with backend.reading():
        said = predicted(published, fed, spec.batch_size, [progress])
    outputs = [one for one in published.interface.outputs if one.name in feed.targets]
    for one in outputs:
        suffix = one.name if len(outputs) > 1 else None
        target = feed.targets[one.name]
        title = f"{spec.model.name} on {what}"
        title += f": {one.name}" if suffix else ""
        values, truth = said[one.name], true[one.name]
        _draw(folder, one, target, values, truth, suffix, title)
    folder.write_json(AttemptFolder.metrics, {**metrics, "rows": len(fed)})
    return metrics


class _ReadOnce(Fed):
    """Rows that are measured and then predicted: images would else be decoded twice."""

    def whole(self) -> tuple[Any, ...] | None:
        return self._whole

    @cached_property
    def _whole(self) -> tuple[Any, ...] | None:
        return super().whole()


def _measure(
    model: Any, fed: Fed, batch_size: int, progress: Progress, own: BehindSteps | None
) -> dict[str, float]:
    options: dict[str, Any] = {"callbacks": [progress], "verbose": 0, "return_dict": True}
    whole = fed.whole()
    if own is not None:
        measured = model.evaluate(own.prepared(backend.batches(fed, batch_size)), **options)
    elif whole is None:
        measured = model.evaluate(backend.batches(fed, batch_size), **options)
    else:
        measured = model.evaluate(*whole, batch_size=batch_size, **options)
    return {name: float(value) for name, value in measured.items()}


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
