"""The job that trains a model again, and compares it with the first."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import BadJob, InvalidInput
from fitq_shared.lineage import code_hash_of, data_hash_of, dataset_of
from fitq_shared.settings import Settings
from fitq_shared.signing import Signer
from fitq_shared.specs.train import TrainJob
from fitq_worker.jobs import train
from fitq_worker.pending_models import published, resolved
from fitq_worker.reproduction import (
    circumstances,
    differing_epochs,
    differing_weights,
    weights_in,
)

if TYPE_CHECKING:
    from fitq_shared.specs.base import ModelRef
    from fitq_shared.specs.reproduce import ReproduceJob
    from fitq_worker.job_context import JobContext

log = logging.getLogger("fitq.job")


def run(context: JobContext, spec: ReproduceJob) -> dict[str, float]:
    """Train again from the spec that the first training has published; write what differs.

    Returns:
        Whether weights and history are identical (1 or 0), and how many of them differ.

    Raises:
        BadJob: the first training has not published what it takes.
        StoreError: an artifact of the first training is damaged.
    """
    first = _First(context, published(spec.model))
    original = first.spec()
    # First, so that a job whose artifacts are damaged does not train for nothing.
    weights, history, environment = first.weights(), first.history(), first.environment()
    train.run(context, original)
    report = _report(context, original, weights, history, environment)
    context.folder.write_json(AttemptFolder.reproduction, report)
    epochs, differing = report["epochs"]["differing"], report["weights"]["differing"]
    log.info("%s", "identical" if report["identical"] else "not identical")
    return {
        "identical": float(report["identical"]),
        "weights": float(report["weights"]["count"]),
        "weights_differing": float(len(differing)),
        "epochs": float(report["epochs"]["count"]),
        "epochs_differing": float(len(epochs)),
    }


class _First:
    """What the first training has published."""

    def __init__(self, context: JobContext, model: ModelRef) -> None:
        self._context = context
        self._folder = AttemptFolder(context.store, model.job, model.attempt)
        self._manifest = model.manifest

    def spec(self) -> TrainJob:
        try:
            spec = TrainJob.parse(self._json(AttemptFolder.spec))
        except InvalidInput as error:
            raise BadJob(f"this fitq cannot train it again: {error.message}") from error
        found = resolved(spec, self._context.records, Signer.from_settings(Settings.load()))
        if not isinstance(found, TrainJob):
            raise BadJob("it is no training", "reproduce a training job")
        return found

    def weights(self) -> dict[str, Any]:
        content = self._folder.read_verified(AttemptFolder.model, self._manifest)
        return weights_in(content, f"{self._folder.path}/{AttemptFolder.model}")

    def history(self) -> Any:
        return self._json(AttemptFolder.history_json)

    def environment(self) -> Any:
        return self._json(AttemptFolder.environment)

    def _json(self, name: str) -> Any:
        return json.loads(self._folder.read_verified(name, self._manifest))


def _report(
    context: JobContext, spec: TrainJob, weights: dict[str, Any], history: Any, environment: Any
) -> dict[str, Any]:
    folder = context.folder
    again = weights_in(folder.read(AttemptFolder.model), f"{folder.path}/{AttemptFolder.model}")
    differing = differing_weights(weights, again)
    rows: Any = folder.read_json(AttemptFolder.history_json)
    epochs = differing_epochs(history, rows)
    values = spec.model_dump(mode="json")
    # Both are read by their hash, so they cannot have changed.
    hashes = {"data": data_hash_of(values), "code": code_hash_of(values)}
    facts: list[dict[str, Any]] = [
        *({"name": n, "first": h, "second": h, "same": True} for n, h in hashes.items()),
        *circumstances(environment, folder.read_json(AttemptFolder.environment)),
    ]
    return {
        "identical": not differing and not epochs,
        "dataset": dataset_of(values),
        "weights": {"count": len(weights), "differing": differing},
        "epochs": {"count": len(history), "differing": epochs},
        "circumstances": [
            row for row in facts if row["first"] is not None or row["second"] is not None
        ],
    }
