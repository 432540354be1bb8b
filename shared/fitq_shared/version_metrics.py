"""The metrics of a model: those of its training, and those of its evaluations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.model_version import ModelVersion
from fitq_shared.record import JobRecord
from fitq_shared.records import Records


def evaluations_of(jobs: Iterable[JobRecord], job: str) -> Iterator[JobRecord]:
    """Those of these jobs that have evaluated a job's model, in their order."""
    for record in jobs:
        if record.kind == "evaluate" and record.state == "succeeded":
            model: Any = record.spec.get("model")
            if isinstance(model, dict) and model.get("job") == job:
                yield record


def training_metric(records: Records, version: ModelVersion, metric: str) -> float:
    """A metric of the job that has made a version.

    Raises:
        InvalidInput: it has no such metric; names those that it has.
        UnknownJob: the job is gone.
    """
    record = records.get(version.job)
    return metric_of(record, metric, f"{version.label} ({record.name})")


def evaluated_metric(
    records: Records, version: ModelVersion, metric: str, like: JobRecord
) -> float:
    """A metric of the newest evaluation of a version on the data of another evaluation.

    Raises:
        InvalidInput: there is no such evaluation, or it has no such metric.
    """
    data = (like.spec.get("dataset"), like.spec.get("split"))
    for record in evaluations_of(records.all(), version.job):
        if (record.spec.get("dataset"), record.spec.get("split")) == data:
            return metric_of(record, metric, f"the evaluation {record.name} of {version.label}")
    what = like.summary.partition(" on ")[2]
    raise InvalidInput(
        f"{version.label} has no evaluation on {what}, with which {like.name} could be compared",
        f"first `fitq evaluate {version.label}` on the same data",
    )


def metric_of(record: JobRecord, metric: str, whose: str) -> float:
    """A metric of a job that has succeeded.

    Args:
        whose: what it is a metric of, for messages.

    Raises:
        InvalidInput: it has no such metric; names those that it has.
    """
    metrics = record.metrics or {}
    if metric not in metrics:
        known = f"a metric of {whose}: {', '.join(metrics) or 'it has none'}"
        raise InvalidInput([Mistake("metric", metric, known)])
    return metrics[metric]
