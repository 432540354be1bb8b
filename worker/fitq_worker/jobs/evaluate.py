"""The evaluation job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitq_shared.attempt_folder import AttemptFolder
from fitq_worker.callbacks.progress import Progress
from fitq_worker.datasets.loading import load
from fitq_worker.environment import describe_environment
from fitq_worker.figures.confusion import confusion_matrix, plot_confusion
from fitq_worker.published_model import load_published
from fitq_worker.rows import batches_of, check_rows
from fitq_worker.targets import Targets

if TYPE_CHECKING:
    from fitq_shared.specs.evaluate import EvaluateJob
    from fitq_worker.job_context import JobContext


def run(context: JobContext, spec: EvaluateJob) -> dict[str, float]:
    """Measure a published model on a split whose labels are known.

    Returns:
        The loss and metrics that the model was compiled with, on the whole split.
    """
    folder = context.folder
    folder.write_json(AttemptFolder.environment, describe_environment(context.identity))
    published = load_published(context.store, spec.model, context.keep_code)
    dataset = load(spec.dataset, context.store)
    context.reporter.obey()
    facts = dataset.facts
    x, y = dataset.split(spec.split)
    check_rows(published.model, x, f"{spec.dataset} {spec.split}")
    targets = Targets(published.classes, one_hot=published.one_hot)
    targets.check(y, facts)
    progress = Progress(context.reporter, 1, batches_of(x, spec.batch_size))
    metrics = published.model.evaluate(
        x,
        targets.encode(y),
        batch_size=spec.batch_size,
        callbacks=[progress],
        verbose=0,
        return_dict=True,
    )
    metrics = {name: float(value) for name, value in metrics.items()}
    probabilities = published.model.predict(
        x, batch_size=spec.batch_size, callbacks=[progress], verbose=0
    )
    predicted = probabilities.argmax(axis=1)
    matrix = confusion_matrix(y, predicted, facts.classes)
    folder.write_json(
        AttemptFolder.confusion, {"class_names": facts.class_names, "matrix": matrix.tolist()}
    )
    title = f"{spec.model.name} on {facts.title}, {spec.split} split"
    with folder.file(AttemptFolder.confusion_plot) as path:
        plot_confusion(y, predicted, facts.class_names, path, title)
    folder.write_json(AttemptFolder.metrics, {**metrics, "rows": len(y)})
    return metrics
