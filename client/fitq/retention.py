"""What may go: which files of the store, and which whole jobs, nobody will need again.

Only what belongs to a job that Redis knows, and that has ended, ever goes; and whole jobs and
inputs only while Redis knows all jobs of the store. Ages go by when the job ended, and for files
without a job by when they were written.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from fitq.data.blobs import all_blobs, named_blobs
from fitq.data.needs import needed_datasets
from fitq.needs import needed_jobs
from fitq.removal import being_removed, folder_of
from fitq.waste import Waste, needed_inputs, of_blobs
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.durations import DAY, exactly
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.registry import Registry
from fitq_shared.store import Store, StoredFile
from fitq_shared.sweeps.records import Sweeps

# A write takes minutes at most: what is older was left by a process that died.
PART_SECONDS = DAY
_ATTEMPT = re.compile(r"attempt-([0-9]+)/(.+)")


@dataclass(frozen=True)
class Retention:
    """For how long to keep what, in seconds.

    `attempts`: attempts before the newest; `checkpoints`: those of failed and cancelled jobs;
    `inputs`: arrays that no job refers to; `blobs`: pieces of data sets that no registered one
    has, those of an upload in progress among them; `jobs`: whole jobs, None for ever.
    """

    attempts: float = 1 * DAY
    checkpoints: float = 14 * DAY
    inputs: float = 7 * DAY
    blobs: float = 7 * DAY
    jobs: float | None = None


@dataclass(frozen=True)
class Findings:
    """All that may go, and how many folders belong to jobs that Redis does not know."""

    waste: tuple[Waste, ...]
    unknown: int


def find_waste(records: Records, store: Store, keep: Retention) -> Findings:
    """Look for what may go. Changes nothing.

    Raises:
        StoreError: the store cannot be read.
    """
    # The files first: a job that is submitted meanwhile then has no files here.
    files = store.details("jobs")
    inputs, datasets = store.details("inputs"), store.details("datasets")
    blobs = all_blobs(store)
    seconds, _ = records.redis.time()
    return _Search(records, store, keep, float(seconds)).run(files, inputs, datasets, blobs)


class _Search:
    def __init__(self, records: Records, store: Store, keep: Retention, now: float) -> None:
        self._store = store
        self._keep = keep
        self._now = now
        self._jobs = {record.id: record for record in records.all()}
        self._needed = {*needed_jobs(records), *Registry(records.redis).registered_jobs()}
        self._sweeps = list(Sweeps(records.redis).all())

    def run(
        self,
        files: list[StoredFile],
        inputs: list[StoredFile],
        datasets: list[StoredFile],
        blobs: list[StoredFile],
    ) -> Findings:
        by_job: dict[str, list[StoredFile]] = defaultdict(list)
        for file in files:
            job_id, _, path = file.path.partition("/")
            if path:
                by_job[job_id].append(StoredFile(path, file.size, file.modified))
        waste: list[Waste] = []
        unknown = 0
        for job_id in sorted(by_job.keys() - self._jobs.keys()):
            if being_removed(self._store, job_id):
                waste.append(_leftover(job_id, by_job[job_id]))
            else:
                unknown += 1
        # What Redis has lost may need the models and inputs that nobody else does.
        if not unknown:
            waste += self._whole_jobs(by_job)
        going = {one.job.id for one in waste if one.job}
        staying = [record for record in self._jobs.values() if record.id not in going]
        for record in staying:
            waste += self._files_of(record, by_job.get(record.id, []))
        if not unknown:
            waste += self._inputs(inputs, needed_inputs(staying, self._sweeps))
            waste += self._blobs(blobs, staying)
        waste += self._parts("inputs", inputs)
        waste += self._parts("datasets", datasets)
        # What else is in there is below `datasets`.
        waste += self._parts("", [file for file in blobs if file.path.startswith("blobs/")])
        return Findings(tuple(waste), unknown)

    def _whole_jobs(self, by_job: dict[str, list[StoredFile]]) -> Iterator[Waste]:
        if self._keep.jobs is None:
            return
        for record in self._jobs.values():
            if self._ended_before(record, self._keep.jobs) and record.id not in self._needed:
                size = sum(file.size for file in by_job.get(record.id, ()))
                why = f"ended over {exactly(self._keep.jobs)} ago"
                what = f"job {record.name}: its record and all its files"
                yield Waste("job", what, why, (folder_of(record.id),), size, record)

    def _files_of(self, record: JobRecord, inside: list[StoredFile]) -> Iterator[Waste]:
        if not record.ended:
            return
        attempts: dict[int, list[StoredFile]] = defaultdict(list)
        for file in inside:
            found = _ATTEMPT.fullmatch(file.path)
            if found is not None and int(found[1]) <= record.attempt:
                attempts[int(found[1])].append(StoredFile(found[2], file.size, file.modified))
        newest = max(attempts, default=0)
        for number, files in sorted(attempts.items()):
            outdated = number != newest
            yield from self._files_of_attempt(record, number, files, outdated=outdated)

    def _files_of_attempt(
        self, record: JobRecord, number: int, files: list[StoredFile], *, outdated: bool
    ) -> Iterator[Waste]:
        folder = f"{folder_of(record.id)}/attempt-{number}"
        working = f"{AttemptFolder.checkpoints}/"
        checkpoints = [file for file in files if file.path.startswith(working)]
        others = [file for file in files if not file.path.startswith(working)]
        what = f"attempt {number} of {record.name}"

        def waste(what: str, why: str, paths: tuple[str, ...], gone: list[StoredFile]) -> Waste:
            return Waste("attempt", what, why, paths, sum(file.size for file in gone), record)

        unused = self._why_unused(record, number)
        if outdated and self._ended_before(record, self._keep.attempts):
            why = "a later attempt was made"
            if unused or not checkpoints:
                yield waste(what, why, (folder,), files)
            elif others:
                # `fitq retry` goes on from the checkpoints: the rest goes alone.
                yield waste(what, why, tuple(f"{folder}/{file.path}" for file in others), others)
            return
        if unused and checkpoints:
            paths = (f"{folder}/{AttemptFolder.checkpoints}",)
            yield waste(f"checkpoints of {what}", unused, paths, checkpoints)
        parts = [file for file in others if self._is_old_part(file)]
        # A published attempt stays as its manifest says.
        if parts and (outdated or record.state != "succeeded"):
            yield waste(what, _UNFINISHED, tuple(f"{folder}/{file.path}" for file in parts), parts)

    def _why_unused(self, record: JobRecord, number: int) -> str:
        """Why no retry will go on from the checkpoints of this attempt; empty if one may."""
        if record.state == "succeeded":
            return "the job has succeeded"
        if number < record.first_attempt and self._ended_before(record, self._keep.attempts):
            return "the job was begun afresh later"
        if self._ended_before(record, self._keep.checkpoints):
            return f"the job ended over {exactly(self._keep.checkpoints)} ago"
        return ""

    def _inputs(self, files: list[StoredFile], needed: set[str]) -> Iterator[Waste]:
        limit = self._now - self._keep.inputs
        for file in files:
            path = f"inputs/{file.path}"
            if file.path.endswith(_PART) or path in needed:
                continue
            if file.modified is not None and file.modified < limit:
                why = "no job refers to it"
                yield Waste("input", path, why, (path,), file.size, modified=file.modified)

    def _blobs(self, files: list[StoredFile], staying: list[JobRecord]) -> Iterator[Waste]:
        limit = self._now - self._keep.blobs
        old = [
            file
            for file in files
            if not file.path.endswith(_PART) and file.modified is not None and file.modified < limit
        ]
        if not old:
            return
        named = named_blobs(self._store, needed_datasets(staying, self._sweeps))
        if unused := tuple(file for file in old if file.path not in named):
            yield of_blobs(unused)

    def _parts(self, folder: str, files: list[StoredFile]) -> Iterator[Waste]:
        for file in files:
            if self._is_old_part(file):
                path = f"{folder}/{file.path}" if folder else file.path
                yield Waste("part", path, _UNFINISHED, (path,), file.size)

    def _is_old_part(self, file: StoredFile) -> bool:
        return (
            file.path.endswith(_PART)
            and file.modified is not None
            and file.modified < self._now - PART_SECONDS
        )

    def _ended_before(self, record: JobRecord, seconds: float) -> bool:
        return (
            record.ended and record.finished is not None and record.finished < self._now - seconds
        )


_PART = ".part"
_UNFINISHED = "a write that was never finished"


def _leftover(job_id: str, files: list[StoredFile]) -> Waste:
    size = sum(file.size for file in files)
    what = f"what is left of job {job_id}"
    return Waste("leftover", what, "its removal was interrupted", (folder_of(job_id),), size)
