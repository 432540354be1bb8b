"""Waste: what nobody will need again, as retention.py finds it, and how it goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from fitq.data.blobs import remove_blobs
from fitq.data.needs import needed_datasets
from fitq.needs import needed_jobs
from fitq.removal import being_removed, finish_removal, remove_job
from fitq_shared.errors import InvalidInput, UnknownJob
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.specs.tables import tables_in
from fitq_shared.store import Store, StoredFile
from fitq_shared.sweeps.record import SweepRecord
from fitq_shared.sweeps.records import Sweeps


@dataclass(frozen=True)
class Waste:
    """One thing that may go: what it is, why, its paths in the store, and its size in bytes.

    `job` is the record that it belongs to, and `modified` when an input was written (in seconds
    since the epoch, by the store's clock), as they were when this was found; `blobs` has each of
    many pieces of data sets.
    """

    kind: Literal["job", "leftover", "attempt", "input", "part", "blobs"]
    what: str
    why: str
    paths: tuple[str, ...]
    size: int
    job: JobRecord | None = None
    modified: float | None = None
    blobs: tuple[StoredFile, ...] = ()


def remove_waste(records: Records, store: Store, waste: Sequence[Waste]) -> Iterator[Waste]:
    """Remove what was found, and yield each thing that is gone; what is needed again stays.

    Whether it is needed is asked just before each thing goes, since all of it may take long.

    Raises:
        StoreError: the store cannot be written.
    """
    for one in waste:
        if not _may_go(records, store, one):
            continue
        if one.kind == "job" and one.job is not None:
            try:
                remove_job(records, store, one.job)
            except InvalidInput:
                continue  # it was retried at this moment
        elif one.kind == "leftover":
            finish_removal(store, _job_of(one))
        elif one.kind == "blobs":
            needed = needed_datasets(records.all(), Sweeps(records.redis).all())
            if gone := tuple(remove_blobs(needed, store, one.blobs)):
                yield of_blobs(gone)
            continue
        else:
            for path in one.paths:
                store.remove_tree(path)
        yield one


def of_blobs(blobs: tuple[StoredFile, ...]) -> Waste:
    """Pieces of data sets that nobody needs, as one thing."""
    plural = "" if len(blobs) == 1 else "s"
    return Waste(
        "blobs",
        f"{len(blobs):,} piece{plural} of data sets",
        "no registered data set has them",
        tuple(blob.path for blob in blobs),
        sum(blob.size for blob in blobs),
        blobs=blobs,
    )


def needed_inputs(records: Iterable[JobRecord], sweeps: Iterable[SweepRecord]) -> set[str]:
    """The paths of the files of users that these jobs refer to, or that a sweep's trials will.

    A sweep that has not succeeded may be resumed.
    """
    specs = [record.spec for record in records]
    specs += [sweep.spec for sweep in sweeps if sweep.state != "succeeded"]
    paths = (table.get("path") for spec in specs for table in tables_in(spec))
    return {path for path in paths if isinstance(path, str) and path.startswith("inputs/")}


def _may_go(records: Records, store: Store, one: Waste) -> bool:
    """Whether nobody has come to need it since it was found."""
    if one.kind in ("part", "blobs"):  # of the latter each is looked at alone
        return True
    if one.kind == "leftover":
        return being_removed(store, _job_of(one))
    if one.kind == "input":
        # Who submits a job uploads its input first: then it is new, and no job refers to it yet.
        [path] = one.paths
        unused = path not in needed_inputs(records.all(), Sweeps(records.redis).all())
        return unused and store.modified(path) == one.modified
    if one.job is None or not _unchanged(records, one.job):
        return False
    return one.kind == "attempt" or one.job.id not in needed_jobs(records)


def _job_of(leftover: Waste) -> str:
    return leftover.paths[0].rpartition("/")[2]


def _unchanged(records: Records, record: JobRecord) -> bool:
    """Whether the job still is as it was: `fitq retry` may have queued it again."""
    try:
        current = records.get(record.id)
    except UnknownJob:
        return False
    return (current.state, current.attempt) == (record.state, record.attempt)
