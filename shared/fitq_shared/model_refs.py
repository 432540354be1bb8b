"""From a training's record to the reference by which other jobs name its model."""

from __future__ import annotations

from fitq_shared.errors import InvalidInput
from fitq_shared.record import JobRecord
from fitq_shared.specs.base import ModelRef, PendingModel


def model_ref(record: JobRecord, name: str | None = None) -> ModelRef:
    """The model that a training has published.

    Args:
        name: what people call it, such as mnist@3; by default the job's name.

    Raises:
        InvalidInput: it is no training, or has not succeeded.
    """
    called = name or record.name
    if record.kind != "train":
        raise _no_training(called, record.kind)
    if record.state != "succeeded" or record.manifest is None:
        todo = (
            "see `fitq show`"
            if record.ended
            else f"wait for it: `fitq wait {record.name}`, or add --after {record.name}"
        )
        raise InvalidInput(f"{called!r} has no model: the job is {record.state}", todo)
    return ModelRef(
        job=record.id,
        attempt=record.attempt,
        manifest=record.manifest,
        name=called,
        code=record.spec["model"]["type"] == "code",
    )


def pending_model(record: JobRecord) -> PendingModel:
    """The model that a training will publish.

    Raises:
        InvalidInput: it is no training.
    """
    if record.kind != "train":
        raise _no_training(record.name, record.kind)
    code = record.spec["model"]["type"] == "code"
    return PendingModel(job=record.id, name=record.name, code=code)


def _no_training(called: str, kind: str) -> InvalidInput:
    return InvalidInput(
        f"{called!r} is a job of kind {kind!r}: expected a training job",
        "see `fitq jobs --kind train`",
    )
