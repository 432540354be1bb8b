"""The export job."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import BadJob
from fitq_worker.environment import describe_environment
from fitq_worker.exported_models import export
from fitq_worker.interrupting import Interrupting
from fitq_worker.published_model import load_published
from fitq_worker.sample_inputs import sample_inputs

if TYPE_CHECKING:
    from fitq_shared.specs.export import ExportJob
    from fitq_worker.job_context import JobContext

log = logging.getLogger("fitq.job")

ROWS = 32
# Other libraries add up float32 numbers in another order.
RTOL = 1e-4
ATOL = 1e-5


def run(context: JobContext, spec: ExportJob) -> dict[str, float]:
    """Export a published model, and check that it predicts the same on rows that are made up.

    Returns:
        On how many rows, the largest difference, and the size of the export in bytes.

    Raises:
        BadJob: the model cannot be exported so, or then predicts otherwise.
    """
    folder = context.folder
    folder.write_json(AttemptFolder.environment, describe_environment(context.identity))
    published = load_published(context.store, spec.model, context.keep_code)
    model = published.model
    inputs = sample_inputs(model, published.interface, ROWS)
    with tempfile.TemporaryDirectory(prefix="fitq-") as temporary:
        target = Path(temporary) / "export"
        target.mkdir()
        with Interrupting(context.reporter):
            said = keras.tree.flatten(model.predict_on_batch(inputs))
            expected = [np.asarray(one) for one in said]
            predict = export(model, target, spec.format, inputs)
            largest = _largest_difference(expected, predict(inputs), spec)
        context.reporter.obey()
        sizes = _keep(folder, target)
    size = sum(sizes.values())
    log.info("%s as %s: %s bytes, at most %.3g apart", spec.model.name, spec.format, size, largest)
    folder.write_json(
        AttemptFolder.export_report,
        {
            "model": spec.model.model_dump(mode="json"),
            "format": spec.format,
            "files": sizes,
            "inputs": [_form(one) for one in keras.tree.flatten(inputs)],
            "outputs": [_form(one) for one in expected],
            "rows": ROWS,
            "largest_difference": largest,
            "rtol": RTOL,
            "atol": ATOL,
        },
    )
    metrics = {"rows": float(ROWS), "largest_difference": largest, "bytes": float(size)}
    folder.write_json(AttemptFolder.metrics, metrics)
    return metrics


def _largest_difference(
    expected: list[NDArray[Any]], found: list[NDArray[Any]], spec: ExportJob
) -> float:
    shapes = [one.shape for one in expected], [one.shape for one in found]
    if shapes[0] != shapes[1]:
        raise BadJob(
            f"{spec.model.name} as {spec.format} gives outputs of shapes {shapes[1]}, "
            f"the model {shapes[0]}",
            "export it in another format",
        )
    largest = max(
        float(np.abs(a.astype(float) - b.astype(float)).max(initial=0.0))
        for a, b in zip(expected, found, strict=True)
    )
    if not all(
        np.allclose(a, b, rtol=RTOL, atol=ATOL, equal_nan=True)
        for a, b in zip(expected, found, strict=True)
    ):
        raise BadJob(
            f"{spec.model.name} as {spec.format} predicts otherwise: up to {largest:.3g} apart, "
            f"more than rtol {RTOL:g} and atol {ATOL:g} allow",
            "export it in another format",
        )
    return largest


def _keep(folder: AttemptFolder, target: Path) -> dict[str, int]:
    """Make each file of the export an artifact of its own, which the manifest then names."""
    sizes = {}
    for path in sorted(target.rglob("*")):
        if path.is_file():
            name = path.relative_to(target).as_posix()
            folder.upload(path, f"{AttemptFolder.export}/{name}")
            sizes[name] = path.stat().st_size
    return sizes


def _form(array: NDArray[Any]) -> dict[str, object]:
    return {"shape": [None, *array.shape[1:]], "dtype": str(array.dtype)}
