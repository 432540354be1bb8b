"""The prediction job."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.specs.file_model import FileModel
from fitq_worker import backend
from fitq_worker.callbacks.progress import Progress
from fitq_worker.environment import describe_environment
from fitq_worker.feeding import Fed
from fitq_worker.figures.predictions import plot_pairs, plot_predictions
from fitq_worker.given_models import load_given
from fitq_worker.input_fields import check_pixels
from fitq_worker.measured import feed_published, feeds_targets, predicted, read_truth
from fitq_worker.model_errors import layer_named
from fitq_worker.predictions import Said, heads, together
from fitq_worker.published_model import load_published
from fitq_worker.rows import batches_of
from fitq_worker.rows_to_predict import rows_to_predict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fitq_shared.specs.predict import PredictJob
    from fitq_worker.interface import Interface
    from fitq_worker.job_context import JobContext
    from fitq_worker.published_model import LoadedModel
    from fitq_worker.targets import Target

HEAD_ROWS = 100
PICTURES = 25


def run(context: JobContext, spec: PredictJob) -> dict[str, float]:
    """Predict every row; keep classes with their probabilities, numbers, and arrays.

    Where the truth is known it is kept beside the predictions.

    Returns:
        How many rows were predicted and, where the truth is known, the share of classes that is
        right and the mean error of numbers; and of how many rows the truth is a class that the
        model does not know.
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
    fed = Fed(feed_published(published, examples, targets=False), examples, given.rows)
    check_pixels(fed, published.interface, given.what)
    progress = Progress(context.reporter, 1, batches_of(fed, spec.batch_size))
    with layer_named("the model cannot predict the rows"), backend.reading():
        values = predicted(published, fed, spec.batch_size, [progress])
    targets: Mapping[str, Target] = {}
    if feeds_targets(published, examples):
        targets = feed_published(published, examples).targets
    true = read_truth(targets, examples, given.rows, context.reporter.obey)
    said = _said(published, targets, values, true)
    _write(folder, spec.output_format, said, given.files)
    metrics: dict[str, float] = {"rows": len(fed)}
    for one in said:
        if one.without_truth:
            metrics[_called(one, said, "without_truth")] = one.without_truth
        if (found := one.metric()) is not None:
            name, value = found
            metrics[_called(one, said, name)] = value
    _draw(folder, published.interface, fed, said, f"{spec.model.name} on {given.what}")
    folder.write_json(AttemptFolder.metrics, metrics)
    return metrics


def _called(one: Said, said: Sequence[Said], metric: str) -> str:
    """A metric of one output: with several, by its name."""
    return f"{one.name}_{metric}" if len(said) > 1 else metric


def _said(
    published: LoadedModel,
    targets: Mapping[str, Target],
    values: Mapping[str, NDArray[Any]],
    true: Mapping[str, NDArray[Any]],
) -> list[Said]:
    known = {one.name: one for one in published.interface.outputs}
    made = []
    for name, found in values.items():
        output, target = known.get(name), targets.get(name)
        kind = output.kind if output else "array"
        classes = output.classes if output else None
        if kind == "number" and classes is None and target and target.form == "binary":
            classes = target.field.classes
        if classes is not None:
            kind = "class"
        truth = true.get(name) if kind != "array" else None
        made.append(Said(name, kind, found, classes, truth))
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
