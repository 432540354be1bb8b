"""The job that describes a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.datasets import description_path
from fitq_shared.specs.datasets import DatasetRef
from fitq_worker.datasets.description import describe, path_of, write_description
from fitq_worker.datasets.loading import load
from fitq_worker.datasets.prepared import prepare
from fitq_worker.datasets.registered_description import describe_registered, drawable
from fitq_worker.jobs.dataset_pictures import draw_examples

if TYPE_CHECKING:
    from fitq_shared.specs.describe import DescribeJob
    from fitq_worker.job_context import JobContext


def run(context: JobContext, spec: DescribeJob) -> dict[str, float]:
    """Measure the data set's values and draw a few of its rows.

    Returns:
        How many rows each split has.
    """
    if isinstance(spec.dataset, DatasetRef):
        return _describe_registered(context, spec.dataset)
    dataset = load(spec.dataset, context.store)
    context.reporter.obey()
    found = describe(dataset)
    context.folder.write_json(AttemptFolder.description, found)
    write_description(found, path_of(spec.dataset), context.store)
    draw_examples(context.folder, spec.dataset, dataset.examples("train"))
    return {"train_rows": len(dataset.x_train), "test_rows": len(dataset.x_test)}


def _describe_registered(context: JobContext, ref: DatasetRef) -> dict[str, float]:
    entry = prepare(ref, context.store, context.data_code, context.reporter.obey)
    context.reporter.obey()
    found = describe_registered(ref, entry, context.reporter.obey)
    context.folder.write_json(AttemptFolder.description, found)
    write_description(found, description_path(ref.manifest), context.store)
    draw_examples(context.folder, ref, drawable(entry))
    return {f"{split}_rows": rows for split, rows in found["rows"].items()}
