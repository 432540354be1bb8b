"""Models that were not there yet when the job was submitted: looked up when it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitq_shared.errors import BadJob, UnknownJob
from fitq_shared.signing import check_record
from fitq_shared.specs.base import AnyModel, JobSpec, ModelRef, PendingModel

if TYPE_CHECKING:
    from fitq_shared.records import Records
    from fitq_shared.signing import Signer


def resolved(spec: JobSpec, records: Records, signer: Signer | None) -> JobSpec:
    """The spec with the published models in the place of those that were yet to come.

    The record keeps the spec as it was sent, so its hash and its signature stay right.

    Raises:
        BadJob: a job that was to make one has not, or its record was altered.
    """
    fields = {name: getattr(spec, name) for name in type(spec).model_fields}
    found = {
        name: _published(value, records, signer)
        for name, value in fields.items()
        if isinstance(value, PendingModel)
    }
    return spec.model_copy(update=found) if found else spec


def published(model: AnyModel) -> ModelRef:
    """The reference to a model that must be there by now.

    Raises:
        BadJob: the model is yet to come.
    """
    if isinstance(model, PendingModel):
        raise BadJob(f"the job {model.name} has not made its model", "submit this one again")
    return model


def _published(pending: PendingModel, records: Records, signer: Signer | None) -> ModelRef:
    try:
        record = records.get(pending.job)
    except UnknownJob as error:
        raise BadJob(
            f"the job {pending.name}, which was to make the model, was removed", "submit it again"
        ) from error
    check_record(record, signer)
    if record.kind != "train" or record.state != "succeeded" or record.manifest is None:
        raise BadJob(
            f"the job {pending.name}, which was to make the model, is {record.state}",
            f"see `fitq show {record.id}`",
        )
    return ModelRef(
        job=record.id,
        attempt=record.attempt,
        manifest=record.manifest,
        name=record.name,
        code=pending.code,
    )
