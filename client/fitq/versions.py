"""Registered versions with the jobs that have made them, as commands show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fitq.model_references import find_model
from fitq.queue import Queue
from fitq_shared.errors import InvalidInput, UnknownJob
from fitq_shared.lineage import Lineage, dataset_of, lineage_of
from fitq_shared.model_version import AliasChange, ModelVersion, RegisteredModel
from fitq_shared.record import JobRecord
from fitq_shared.redis_link import reporting_unreachable
from fitq_shared.version_metrics import evaluations_of


@dataclass(frozen=True)
class Listed:
    """A version, the aliases that name it, and the record of its job; None if that is gone."""

    version: ModelVersion
    aliases: list[str]
    record: JobRecord | None

    @property
    def data(self) -> str:
        """The data set that it was trained on."""
        return dataset_of(self.record.spec) if self.record else ""

    def public(self) -> dict[str, Any]:
        """The version for programs."""
        job = self.record
        return {
            **self.version.model_dump(mode="json"),
            "label": self.version.label,
            "aliases": self.aliases,
            "summary": job.summary if job else None,
            "dataset": self.data or None,
            "metrics": job.metrics if job else None,
            "spec_hash": job.spec_hash if job else None,
        }


def listed(client: Queue) -> list[Listed]:
    """All registered versions, by model, the newest first."""
    with reporting_unreachable(client.settings):
        return [
            one_listed(client, model, version)
            for model in client.registry.models()
            for version in reversed(model.versions)
        ]


def one_listed(client: Queue, model: RegisteredModel, version: ModelVersion) -> Listed:
    """One version, with its aliases and its job."""
    try:
        record = client.records.get(version.job)
    except UnknownJob:
        record = None
    return Listed(version, model.aliases_of(version), record)


@dataclass(frozen=True)
class Described:
    """A version with all that is known of it; no lineage where its job is gone.

    `evaluations` are those of this model, the newest first; `history` how those aliases of the
    model have moved that have named this version.
    """

    listed: Listed
    lineage: Lineage | None
    evaluations: list[JobRecord]
    history: list[AliasChange]

    def public(self) -> dict[str, Any]:
        """The same for programs."""
        record = self.listed.record
        return {
            **self.listed.public(),
            "lineage": asdict(self.lineage) if self.lineage else None,
            "spec": record.spec if record else None,
            "evaluations": [
                {
                    "job": one.id,
                    "name": one.name,
                    "summary": one.summary,
                    "rows_used": asdict(one.rows_used) if one.rows_used else None,
                    "metrics": one.metrics,
                }
                for one in self.evaluations
            ],
            "history": [change.model_dump(mode="json") for change in self.history],
        }


def described(client: Queue, reference: str) -> Described:
    """The version that "name@3", "name@alias" or "name" refers to.

    Raises:
        UnknownModel: there is none; suggests the nearest.
    """
    with reporting_unreachable(client.settings):
        version = client.registry.find(reference)
        listed = one_listed(client, client.registry.model(version.name), version)
        evaluations = list(evaluations_of(client.records.all(), version.job))
        history = [
            change
            for change in client.registry.history(version.name)
            if version.version in (change.version, change.before)
        ]
    lineage = _lineage(client, listed.record) if listed.record else None
    return Described(listed, lineage, evaluations, history)


def lineages(
    client: Queue, references: Sequence[str]
) -> tuple[list[str], list[tuple[JobRecord, Lineage, list[JobRecord]]]]:
    """Trained models with their lineages and evaluations, and how they are called.

    Raises:
        InvalidInput: names each reference that refers to no model.
    """
    found, wrong = [], []
    for reference in references:
        try:
            found.append(find_model(client, reference))
        except InvalidInput as error:
            wrong.append(error)
    if wrong:
        hints = dict.fromkeys(error.hint for error in wrong)
        raise InvalidInput("\n".join(error.message for error in wrong), "; ".join(hints))
    with reporting_unreachable(client.settings):
        jobs = list(client.records.all())
    return [model.name for _, model in found], [
        (record, _lineage(client, record), list(evaluations_of(jobs, model.job)))
        for record, model in found
    ]


def _lineage(client: Queue, record: JobRecord) -> Lineage:
    return lineage_of(
        record, client.artifacts.folder(record) if client.artifacts.has_store else None
    )
