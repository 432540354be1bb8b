"""What names a trained model: a version of a registered one, or the job that trains it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fitq_shared.errors import UnknownJob, UnknownModel
from fitq_shared.model_refs import model_ref, pending_model
from fitq_shared.record_reader import LONGEST_REFERENCE
from fitq_shared.redis_link import reporting_unreachable
from fitq_shared.texts import did_you_mean, shown

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.record import JobRecord
    from fitq_shared.specs.base import ModelRef, PendingModel


def find_model(queue: Queue, reference: str) -> tuple[JobRecord, ModelRef]:
    """The published model that "name@3", "name@alias", "name" (its newest version), or the
    name or id of a training job refers to.

    Raises:
        UnknownModel: there is no such version or alias; suggests the nearest.
        UnknownJob: there is no such model or job.
        InvalidInput: it is no training job, or has not succeeded.
    """
    with reporting_unreachable(queue.settings):
        if "@" in reference or queue.registry.has(reference):
            version = queue.registry.find(reference)
            record = queue.records.get(version.job)
            return record, model_ref(record, version.label)
    try:
        record = queue.job(reference)
    except UnknownJob as error:
        raise _with_models(queue, reference, error) from None
    return record, model_ref(record)


def _with_models(queue: Queue, reference: str, error: UnknownJob) -> UnknownJob:
    """The error, or the registered model that goes by nearly this name."""
    with reporting_unreachable(queue.settings):
        near = did_you_mean(
            reference[:LONGEST_REFERENCE], (model.name for model in queue.registry.models())
        )
    message = f"there is no model {shown(reference)}{near}" if near else error.message
    return UnknownJob(message, "see `fitq models` and `fitq jobs`")


def find_model_after(
    queue: Queue, reference: str, before: Sequence[str]
) -> tuple[JobRecord, ModelRef | PendingModel]:
    """As `find_model`, or the model that is yet to come of a job that is waited for.

    Args:
        before: the jobs that the one to be submitted comes after.
    """
    waited = {record.id: record for record in map(queue.job, before)}
    if waited:
        # What is no job's name may be a registered model's.
        with contextlib.suppress(UnknownJob):
            record = waited.get(queue.job(reference).id)
            if record is not None and not record.ended:
                return record, pending_model(record)
    return find_model(queue, reference)


def measures_code(queue: Queue, alias: str, evaluation: str | None = None) -> bool:
    """Whether it takes the user's code to measure the present holder of an alias.

    Args:
        alias: such as "mnist@production".
        evaluation: the id of the evaluation on whose rows it would be.
    """
    jobs = [] if evaluation is None else [queue.job(evaluation)]
    with contextlib.suppress(UnknownModel, UnknownJob):
        jobs.append(find_model(queue, alias)[0])
    return any(job.needs.code for job in jobs)


def versions_of(queue: Queue, record: JobRecord) -> list[str]:
    """As which versions of models a job's result is registered, for example ["mnist@3"]."""
    with reporting_unreachable(queue.settings):
        return queue.registry.versions_of(record.id)
