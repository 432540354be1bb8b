"""The holder of an alias, measured on just the rows by which another model was evaluated."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from fitq_shared.errors import BadJob
from fitq_shared.model_refs import model_ref
from fitq_shared.settings import Settings
from fitq_shared.signing import Signer, check_record
from fitq_shared.specs.evaluate import EvaluateJob
from fitq_shared.version_metrics import evaluation_like, measured_on
from fitq_worker.held_out import rows_to_measure
from fitq_worker.measuring import measuring
from fitq_worker.pending_models import published as made
from fitq_worker.published_model import load_published, training_of
from fitq_worker.training_data import divided, learnt_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fitq_shared.model_version import ModelVersion
    from fitq_shared.record import JobRecord
    from fitq_shared.specs.base import AnyModel, ModelRef
    from fitq_shared.specs.train import TrainJob
    from fitq_worker.held_out import Measured
    from fitq_worker.job_context import JobContext

log = logging.getLogger("fitq.job")


def measured_like(
    context: JobContext, version: ModelVersion, evaluation: JobRecord, model: AnyModel
) -> Mapping[str, float]:
    """The metrics of a version on the rows of an evaluation: as its own newest evaluation of them
    says, else measured now.

    Args:
        evaluation: of another model, which has succeeded.
        model: that other model, whose training may have held out these rows.

    Raises:
        BadJob: the version cannot be measured on them; or their data is no longer the same.
    """
    used = evaluation.rows_used
    if used is None:
        raise BadJob(
            f"{evaluation.name} does not say which rows it has measured its model by",
            "evaluate the model again, and name that evaluation",
        )
    known = evaluation_like(context.records, version.job, evaluation)
    if known is not None:
        log.info("%s was measured on the same rows by %s", version.label, known.name)
        return known.metrics or {}
    signer = Signer.from_settings(Settings.load())
    # Its data may be made by code, so nobody else may have written what it says.
    check_record(evaluation, signer)
    like = EvaluateJob.parse({**evaluation.spec, "split": used.split})
    reference = _reference(context, version, signer)
    published = load_published(context.store, reference, context.keep_code)
    found = rows_to_measure(
        *(context, published.trained, like.dataset, like.split, *published.interface.fields),
        held_out_by=training_of(context.store, made(model)),
    )
    what = measured_on(evaluation)
    if found.used != used:
        raise BadJob(
            f"{evaluation.name} has measured other rows than those that {what} has now",
            f"evaluate {like.model.name} again, and promote it by that evaluation",
        )
    log.info("measures %s on %s rows: %s", version.label, len(found.rows), what)
    if seen := _learnt(context, published.trained, like, found):
        log.warning("%s has learnt from %s of them, which is in its favour", version.label, seen)
    return measuring(published, found, what, like.batch_size, context.reporter).metrics()


def _learnt(context: JobContext, trained: TrainJob, like: EvaluateJob, found: Measured) -> int:
    """From how many of the rows a training has learnt."""
    if found.source != "train" or trained.dataset != like.dataset:
        return 0
    parts = divided(context, trained, learnt_from(context, trained))
    return len(np.intersect1d(parts.train, found.rows))


def _reference(context: JobContext, version: ModelVersion, signer: Signer | None) -> ModelRef:
    record = context.records.get(version.job)
    check_record(record, signer)
    reference = model_ref(record, version.label)
    if (reference.attempt, reference.manifest) != (version.attempt, version.manifest):
        raise BadJob(
            f"the model of {version.label} is no longer the one that was registered",
            f"see `fitq show {record.name}`",
        )
    return reference
