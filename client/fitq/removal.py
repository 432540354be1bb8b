"""Removing a whole job: its record in Redis, and its folder in the store.

Neither Redis nor the store knows of the other, so the order matters when a removal is
interrupted. First the folder is marked: a volume that cannot be written is found here, with
nothing lost. Then the record goes, while all that it names is still whole: nobody can meet a
record whose artifacts are half gone. Then the files go, the mark last: what is left of a folder
that was marked is told from the folder of a job that Redis has lost, which `fitq reindex` would
bring back. `fitq gc` ends what was interrupted. The mark names the attempt: where the record did
not go, the job may have been retried, and a later attempt is not what was to be removed.
"""

from __future__ import annotations

import re

from fitq_shared.errors import InvalidInput, StoreError
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.store import Store

MARK = "being-removed"
_ATTEMPT = re.compile(r"attempt-([0-9]+)/")


def folder_of(job_id: str) -> str:
    """The folder of a job, with all its attempts."""
    return f"jobs/{job_id}"


def being_removed(store: Store, job_id: str) -> bool:
    """Whether the removal of this job was begun, and no attempt has been made since."""
    folder = folder_of(job_id)
    if not store.exists(f"{folder}/{MARK}"):
        return False
    marked = store.read(f"{folder}/{MARK}")
    attempts = [int(found[1]) for path in store.files(folder) if (found := _ATTEMPT.match(path))]
    return marked.isdigit() and max(attempts, default=0) <= int(marked)


def remove_job(records: Records, store: Store, record: JobRecord) -> None:
    """Remove an ended job for good.

    Raises:
        InvalidInput: the job was retried meanwhile: nothing was changed.
        StoreError: the store cannot be written, or is not the one that has the job's artifacts.
    """
    if record.state == "succeeded" and not store.exists("jobs"):
        raise StoreError(
            f"the store {store.shown_url!r} has no jobs, and {record.name} has published something",
            "mount the volume that has it, or correct FITQ_STORE",
        )
    mark = f"{folder_of(record.id)}/{MARK}"
    store.write(mark, str(record.attempt).encode())
    outcome = records.forget(record)
    if outcome != "forgotten":
        store.remove(mark)
    if outcome == "registered":
        raise InvalidInput(
            f"{record.name} was registered as a model meanwhile: it was not removed",
            "see `fitq models`",
        )
    if outcome != "forgotten":
        raise InvalidInput(
            f"{record.name} was retried meanwhile, and is {outcome}: it was not removed",
            f"look at it with `fitq show {record.name}`",
        )
    finish_removal(store, record.id)


def finish_removal(store: Store, job_id: str) -> None:
    """Remove the folder of a job that has no record any more, its mark last."""
    folder = folder_of(job_id)
    for name in sorted({path.partition("/")[0] for path in store.files(folder)} - {MARK}):
        store.remove_tree(f"{folder}/{name}")
    store.remove_tree(folder)
