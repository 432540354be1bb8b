"""The promotion job."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import BadJob, InvalidInput
from fitq_shared.metric_order import direction
from fitq_shared.promotion import Promotion, promote, promote_if_better
from fitq_shared.registry import Registry
from fitq_shared.version_metrics import measured_on, metric_in, metric_of, training_metric
from fitq_worker.holder import measured_like
from fitq_worker.pending_models import published

if TYPE_CHECKING:
    from fitq_shared.model_version import ModelVersion
    from fitq_shared.record import JobRecord
    from fitq_shared.specs.promote import PromoteJob
    from fitq_worker.job_context import JobContext

log = logging.getLogger("fitq.job")


def run(context: JobContext, spec: PromoteJob) -> dict[str, float]:
    """Register the model, if it is not, and let the alias name it, if it is better.

    The holder's metric of an evaluation is that of its own evaluation on the same rows; where
    there is none it is measured on them now.

    Returns:
        Whether it was promoted (1 or 0), its version, and the metric that was compared.

    Raises:
        BadJob: there is nothing to compare with, or it had to be better and is not.
    """
    try:
        promotion = _promote(context, spec)
    except InvalidInput as error:
        raise BadJob(error.message, error.hint) from error
    log.info("%s", promotion.text)
    context.folder.write_json(AttemptFolder.promotion, promotion.public())
    if spec.must and not promotion.promoted:
        raise BadJob(promotion.text, "train a better one, or promote it without the condition")
    metrics = {"promoted": float(promotion.promoted), "version": float(promotion.version.version)}
    if promotion.metric is not None and promotion.value is not None:
        metrics[promotion.metric] = promotion.value
    return metrics


def _promote(context: JobContext, spec: PromoteJob) -> Promotion:
    records = context.records
    registry = Registry(records.redis)
    model = published(spec.model)
    trained = records.get(model.job)
    if (trained.attempt, trained.manifest) != (model.attempt, model.manifest):
        raise InvalidInput(
            f"the model of {trained.name} has changed since it was to be promoted",
            f"see `fitq show {trained.name}`, and promote it again",
        )
    evaluation = _evaluation(context, spec)
    version = registry.register(trained, spec.model_name, spec.owner)
    if spec.metric is None:
        return promote(registry, version, spec.alias, spec.owner)
    metric = spec.metric

    def value_of(one: ModelVersion) -> float:
        if evaluation is None:
            return training_metric(records, one, metric)
        if one == version:
            return metric_of(evaluation, metric, f"the evaluation {evaluation.name}")
        found = measured_like(context, one, evaluation, model)
        return metric_in(found, metric, f"{one.label} on {measured_on(evaluation)}")

    return promote_if_better(
        *(registry, version, spec.alias, spec.owner),
        metric=metric,
        mode=direction(metric, spec.mode),
        value_of=value_of,
    )


def _evaluation(context: JobContext, spec: PromoteJob) -> JobRecord | None:
    """The evaluation whose metric counts, which must be one of this model."""
    if spec.evaluation is None:
        return None
    record = context.records.get(spec.evaluation)
    if record.kind != "evaluate" or record.state != "succeeded":
        raise InvalidInput(
            f"{record.name} is a job of kind {record.kind!r}, {record.state}: "
            "expected an evaluation that has succeeded",
            f"see `fitq show {record.name}`",
        )
    if record.spec["model"].get("job") != spec.model.job:
        raise InvalidInput(
            f"{record.name} is an evaluation of another model than {spec.model.name}: "
            f"{record.spec['model']['name']}",
            "name an evaluation of the model that is to be promoted",
        )
    return record
