"""The metrics of a model: those of its training, and those of its evaluations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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


def evaluation_like(records: Records, job: str, like: JobRecord) -> JobRecord | None:
    """The newest evaluation of a job's model on just the rows of another evaluation, if any."""
    if like.rows_used is None:
        return None
    for record in evaluations_of(records.all(), job):
        same_data = record.spec.get("dataset") == like.spec.get("dataset")
        if same_data and record.rows_used == like.rows_used:
            return record
    return None


def measured_on(evaluation: JobRecord) -> str:
    """What an evaluation has measured a model by, in few words, such as "mnist test"."""
    return evaluation.summary.partition(" on ")[2]


def metric_of(record: JobRecord, metric: str, whose: str) -> float:
    """A metric of a job that has succeeded.

    Args:
        whose: what it is a metric of, for messages.

    Raises:
        InvalidInput: it has no such metric; names those that it has.
    """
    return metric_in(record.metrics or {}, metric, whose)


def metric_in(metrics: Mapping[str, float], metric: str, whose: str) -> float:
    """One of some metrics.

    Raises:
        InvalidInput: there is none of that name; names those that there are.
    """
    if metric not in metrics:
        known = f"a metric of {whose}: {', '.join(metrics) or 'it has none'}"
        raise InvalidInput([Mistake("metric", metric, known)])
    return metrics[metric]
