"""The job that describes a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitq_shared.attempt_folder import AttemptFolder
from fitq_worker.datasets.description import describe, write_description
from fitq_worker.datasets.loading import load
from fitq_worker.jobs.dataset_pictures import draw_dataset

if TYPE_CHECKING:
    from fitq_shared.specs.describe import DescribeJob
    from fitq_worker.job_context import JobContext


def run(context: JobContext, spec: DescribeJob) -> dict[str, float]:
    """Measure the data set's arrays and draw a few of its rows.

    Returns:
        How many rows each split has.
    """
    dataset = load(spec.dataset, context.store)
    context.reporter.obey()
    context.folder.write_json(AttemptFolder.description, describe(dataset))
    write_description(dataset, context.store)
    draw_dataset(context.folder, dataset)
    return {"train_rows": len(dataset.x_train), "test_rows": len(dataset.x_test)}
