"""Bringing back the records of jobs that the volume knows, and Redis does not."""

from __future__ import annotations

from dataclasses import dataclass

from fitq.removal import being_removed
from fitq_shared import snapshots
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import StoreError
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
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
    """Write the record of a lost job. False when Redis knows it by now: nothing was changed."""
    return records.restore(snapshots.to_be_restored(job.known))


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
