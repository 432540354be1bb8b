"""Removing a whole job: its record in Redis, and its folder in the store.

Neither Redis nor the store knows of the other, so the order matters when a removal is
interrupted. First the folder is marked: a volume that cannot be written is found here, with
nothing lost. Then the record goes, while all that it names is still whole: nobody can meet a
record whose artifacts are half gone. Then the files go, the mark last: what is left of a folder
that was marked is told from the folder of a job that Redis has lost, which `fitq reindex` would
bring back. `fitq gc` ends what was interrupted.
"""

from __future__ import annotations

from fitq_shared.errors import InvalidInput, StoreError
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.store import Store

MARK = "being-removed"


def folder_of(job_id: str) -> str:
    """The folder of a job, with all its attempts."""
    return f"jobs/{job_id}"


def being_removed(store: Store, job_id: str) -> bool:
    """Whether the removal of this job was begun."""
    return store.exists(f"{folder_of(job_id)}/{MARK}")


def needed_models(records: Records) -> dict[str, JobRecord]:
    """The jobs whose models are yet to be used, each with a job that waits or runs for it."""
    return {
        record.spec["model"]["job"]: record
        for record in records.all()
        if not record.ended and "job" in record.spec.get("model", {})
    }


def why_not(record: JobRecord, needed: dict[str, JobRecord]) -> tuple[str, str] | None:
    """Why this job cannot be removed, and what to do; None if it can."""
    if not record.ended:
        return f"{record.name} is {record.state}", f"first `fitq cancel {record.name}`"
    user = needed.get(record.id)
    if user is not None:
        return (
            f"the model of {record.name} is needed by {user.name}, which is {user.state}",
            f"wait for it: `fitq wait {user.name}`, or `fitq cancel {user.name}`",
        )
    return None


def remove_job(records: Records, store: Store, record: JobRecord) -> None:
    """Remove an ended job for good.

    Raises:
        InvalidInput: the job was queued again meanwhile: nothing was changed.
        StoreError: the store cannot be written, or is not the one that has the job's artifacts.
    """
    if record.state == "succeeded" and not store.exists("jobs"):
        raise StoreError(
            f"the store {store.shown_url!r} has no jobs, and {record.name} has published something",
            "mount the volume that has it, or correct FITQ_STORE",
        )
    mark = f"{folder_of(record.id)}/{MARK}"
    store.write(mark, b"")
    outcome = records.forget(record)
    if outcome != "forgotten":
        store.remove(mark)
        raise InvalidInput(f"{record.name} is {outcome} again", f"`fitq watch {record.name}`")
    finish_removal(store, record.id)


def finish_removal(store: Store, job_id: str) -> None:
    """Remove the folder of a job that has no record any more, its mark last."""
    folder = folder_of(job_id)
    for name in sorted({path.partition("/")[0] for path in store.files(folder)} - {MARK}):
        store.remove_tree(f"{folder}/{name}")
    store.remove_tree(folder)
