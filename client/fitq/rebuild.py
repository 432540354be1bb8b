"""Bringing back the jobs and models that the volume knows, and Redis does not."""

from __future__ import annotations

from dataclasses import dataclass

from fitq.removal import being_removed
from fitq_shared import registry_copies, snapshots
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import StoreError
from fitq_shared.model_version import ModelVersion
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.registry import Registry
from fitq_shared.store import Store


@dataclass(frozen=True)
class LostJob:
    """A job that only the volume knows.

    `known` is its record as the volume has it, `restored` the one that Redis would get.
    `damage` says why it cannot be restored.
    """

    known: JobRecord
    restored: JobRecord
    damage: str = ""


def find_lost(records: Records, store: Store) -> list[LostJob]:
    """The jobs that Redis does not know, oldest first. Changes nothing.

    Raises:
        StoreError: the store cannot be read.
    """
    known = {record.id for record in records.all()}
    lost = [
        LostJob(
            record,
            JobRecord.from_fields(snapshots.to_be_restored(record)),
            _damage(store, record),
        )
        for record in snapshots.newest(store)
        if record.id not in known and not being_removed(store, record.id)
    ]
    return sorted(lost, key=lambda job: job.known.created)


def restore(records: Records, job: LostJob) -> bool:
    """Write the record of a lost job. False when Redis knows it by now: nothing was changed.

    What was to be registered is, unless the registry knows of it: so first `restore_model`.
    """
    restored = records.restore(snapshots.to_be_restored(job.known))
    name, registry = job.known.spec.get("model_name"), Registry(records.redis)
    if restored and job.known.state == "succeeded" and isinstance(name, str):
        fields, _ = registry.dump(name)
        if not any(f.startswith("gone:") and f.endswith(f":{job.known.id}") for f in fields):
            registry.register(job.known, name, job.known.owner)
    return restored


@dataclass(frozen=True)
class LostModel:
    """What only the volume knows of a model: these versions, and perhaps where aliases were."""

    copy: registry_copies.ModelCopy
    versions: tuple[ModelVersion, ...]


def find_lost_models(registry: Registry, store: Store) -> list[LostModel]:
    """The versions of models that Redis does not know. Changes nothing.

    Raises:
        StoreError: the store cannot be read.
    """
    copies = registry_copies.read_copies(store)
    lost = [
        LostModel(copy, tuple(registry_copies.lost_versions(registry, copy))) for copy in copies
    ]
    return [model for model in lost if model.versions]


def restore_model(registry: Registry, lost: LostModel) -> int:
    """Write what Redis does not know of a model: how many versions have come back."""
    copy = lost.copy
    return registry.restore(
        *(copy.model.name, copy.life, copy.model.versions, copy.model.aliases),
        *(copy.gone, copy.history),
    )


def _damage(store: Store, record: JobRecord) -> str:
    """What is wrong with what a job has published; empty if nothing is."""
    if record.state != "succeeded":
        return ""
    if record.manifest is None:
        return "its record names no manifest"
    try:
        AttemptFolder.of(store, record).sums(record.manifest)
    except StoreError as error:
        if error.passing:
            raise
        return error.message
    return ""
