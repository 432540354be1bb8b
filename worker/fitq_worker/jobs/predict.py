"""The prediction job."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.specs.predict import DatasetRows
from fitq_worker.callbacks.progress import Progress
from fitq_worker.datasets.loading import load
from fitq_worker.environment import describe_environment
from fitq_worker.figures.predictions import plot_predictions
from fitq_worker.input_arrays import load_input
from fitq_worker.published_model import load_published
from fitq_worker.rows import batches_of, check_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq_shared.specs.predict import PredictJob
    from fitq_worker.job_context import JobContext

HEAD_ROWS = 100


def run(context: JobContext, spec: PredictJob) -> dict[str, float]:
    """Predict every row; keep classes, names and probabilities.

    Where the labels are known they are kept beside the predictions.

    Returns:
        How many rows were predicted and, where labels are known, the share that is right.
    """
    folder = context.folder
    folder.write_json(AttemptFolder.environment, describe_environment(context.identity))
    published = load_published(context.store, spec.model, context.keep_code)
    x, true = _rows(context, spec)
    context.reporter.obey()
    what = spec.summary.partition(" on ")[2]
    check_rows(published.model, x, what)
    progress = Progress(context.reporter, 1, batches_of(x, spec.batch_size))
    probabilities = np.asarray(
        published.model.predict(x, batch_size=spec.batch_size, callbacks=[progress], verbose=0)
    )
    predicted = probabilities.argmax(axis=1)
    names = published.class_names
    _write(folder, spec.output_format, predicted, probabilities, true, names)
    metrics: dict[str, float] = {"rows": len(x)}
    if true is not None:
        metrics["accuracy"] = float((predicted == true).mean())
        title = f"{spec.model.name} on {what}: predicted (true)"
        with folder.file(AttemptFolder.predictions_plot) as path:
            plot_predictions(x[:25], predicted[:25], true[:25], names, path, title)
    folder.write_json(AttemptFolder.metrics, metrics)
    return metrics


def _rows(context: JobContext, spec: PredictJob) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    if isinstance(spec.rows, DatasetRows):
        return load(spec.rows.dataset, context.store).split(spec.rows.split)
    return load_input(context.store, spec.rows), None


def _write(
    folder: AttemptFolder,
    output_format: str,
    predicted: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    true: NDArray[np.uint8] | None,
    names: tuple[str, ...],
) -> None:
    folder.write_json(AttemptFolder.predictions_head, _head(predicted, probabilities, true, names))
    if output_format == "csv":
        folder.write(AttemptFolder.predictions_csv, _csv(predicted, probabilities, true, names))
        return
    arrays: dict[str, NDArray[np.generic]] = {
        "classes": predicted,
        "class_names": np.array(names),
        "probabilities": probabilities,
    }
    if true is not None:
        arrays["true"] = true
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    folder.write(AttemptFolder.predictions_npz, content.getvalue())


def _head(
    predicted: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    true: NDArray[np.uint8] | None,
    names: tuple[str, ...],
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for index, label in enumerate(predicted[:HEAD_ROWS]):
        row: dict[str, object] = {
            "row": index,
            "class": int(label),
            "name": names[label],
            "probability": float(probabilities[index, label]),
        }
        if true is not None:
            row["true"] = names[true[index]]
        rows.append(row)
    return rows


def _csv(
    predicted: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    true: NDArray[np.uint8] | None,
    names: tuple[str, ...],
) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    known = [] if true is None else ["true", "true_name"]
    writer.writerow(["row", "class", "name", *known, *(f"p_{name}" for name in names)])
    for index, label in enumerate(predicted):
        truth = [] if true is None else [int(true[index]), names[true[index]]]
        shares = [f"{p:.9g}" for p in probabilities[index]]
        writer.writerow([index, int(label), names[label], *truth, *shares])
    return text.getvalue()
