"""The prediction job."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.specs.predict import FileModel
from fitq_worker import backend
from fitq_worker.callbacks.progress import Progress
from fitq_worker.environment import describe_environment
from fitq_worker.feeding import Fed
from fitq_worker.figures.predictions import plot_pairs, plot_predictions
from fitq_worker.given_models import load_given
from fitq_worker.input_fields import check_pixels
from fitq_worker.measured import feed_published, feeds_targets, predicted, read_targets
from fitq_worker.model_errors import layer_named
from fitq_worker.predictions import Said, heads, together
from fitq_worker.published_model import load_published
from fitq_worker.rows import batches_of
from fitq_worker.rows_to_predict import rows_to_predict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq_shared.specs.predict import PredictJob
    from fitq_worker.interface import Interface
    from fitq_worker.job_context import JobContext
    from fitq_worker.published_model import LoadedModel

HEAD_ROWS = 100
PICTURES = 25


def run(context: JobContext, spec: PredictJob) -> dict[str, float]:
    """Predict every row; keep classes with their probabilities, numbers, and arrays.

    Where the truth is known it is kept beside the predictions.

    Returns:
        How many rows were predicted and, where the truth is known, the share of classes that is
        right and the mean error of numbers.
    """
    folder = context.folder
    folder.write_json(AttemptFolder.environment, describe_environment(context.identity))
    if isinstance(spec.model, FileModel):
        published: LoadedModel = load_given(context.store, spec.model)
    else:
        published = load_published(context.store, spec.model, context.keep_code)
    given = rows_to_predict(context, spec.rows, published)
    if given.used is not None:
        rows = spec.rows.model_copy(update={"split": given.used.split})
        context.said.rows_used = given.used
        context.said.summary = spec.model_copy(update={"rows": rows}).summary
    context.reporter.obey()
    examples = given.examples
    feed = feed_published(published, examples, targets=feeds_targets(published, examples))
    fed = Fed(feed, examples, given.rows)
    check_pixels(fed, published.interface, given.what)
    progress = Progress(context.reporter, 1, batches_of(fed, spec.batch_size))
    with layer_named("the model cannot predict the rows"), backend.reading():
        values = predicted(published, fed, spec.batch_size, [progress])
    said = _said(context, published, fed, values)
    _write(folder, spec.output_format, said, given.files)
    metrics: dict[str, float] = {"rows": len(fed)}
    for one in said:
        if (found := one.metric()) is not None:
            name, value = found
            metrics[f"{one.name}_{name}" if len(said) > 1 else name] = value
    _draw(folder, published.interface, fed, said, f"{spec.model.name} on {given.what}")
    folder.write_json(AttemptFolder.metrics, metrics)
    return metrics


def _said(
    context: JobContext, published: LoadedModel, fed: Fed, values: dict[str, NDArray[Any]]
) -> list[Said]:
    true = read_targets(fed, context.reporter.obey)
    known = {one.name: one for one in published.interface.outputs}
    made = []
    for name, found in values.items():
        output, target = known.get(name), fed.feed.targets.get(name)
        kind = output.kind if output else "array"
        classes = output.classes if output else None
        if kind == "number" and classes is None and target and target.form == "binary":
            classes = target.field.classes
        if classes is not None:
            kind = "class"
        truth = true.get(name) if target is not None and not target.field.shape else None
        if truth is not None and target is not None:
            target.check(truth, "the data")
        made.append(Said(name, kind, found, classes, truth if kind != "array" else None))
    return made


def _write(
    folder: AttemptFolder, output_format: str, said: list[Said], files: tuple[str, ...] | None
) -> None:
    head = heads(said, HEAD_ROWS)
    if files is not None:
        head = [{**row, "file": name} for row, name in zip(head, files, strict=False)]
    folder.write_json(AttemptFolder.predictions_head, head)
    if output_format == "csv":
        columns = together(said, "columns")
        named = {} if files is None else {"file": files}
        folder.write(AttemptFolder.predictions_csv, _csv({**named, **columns}))
        return
    content = io.BytesIO()
    arrays: dict[str, NDArray[Any]] = together(said, "arrays")
    if files is not None:
        arrays["files"] = np.array(files)
    np.savez_compressed(content, allow_pickle=False, **arrays)
    folder.write(AttemptFolder.predictions_npz, content.getvalue())


def _csv(columns: dict[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", *columns])
    for row, cells in enumerate(zip(*columns.values(), strict=True)):
        writer.writerow([row, *cells])
    return text.getvalue()


def _draw(
    folder: AttemptFolder, interface: Interface, fed: Fed, said: list[Said], title: str
) -> None:
    """The first images, with what the first output says of them, if there are any."""
    images = [one for one in interface.inputs if one.is_image and len(one.columns) == 1]
    if not images:
        return
    inputs, _ = fed.examples.read(fed.rows[:PICTURES])
    pictures, first = inputs[images[0].columns[0]], said[0]
    drawn = pictures.shape
    if first.kind == "class" and first.true is not None and first.classes:
        with folder.file(AttemptFolder.predictions_plot) as path:
            plot_predictions(
                *(pictures, first.labels[:PICTURES], first.true[:PICTURES], first.classes),
                *(path, f"{title}: predicted (true)"),
            )
    elif first.values.size and first.values[:PICTURES].size == np.prod(drawn):
        with folder.file(AttemptFolder.predictions_plot) as path:
            plot_pairs(
                pictures,
                first.values[:PICTURES].reshape(drawn),
                path,
                f"{title}: input, then output",
            )
