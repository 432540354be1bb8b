"""Job records: the truth about every job, in Redis.

States: waiting, queued, running, succeeded, failed, cancelled. Every change is a compare-and-set on
(state, attempt, owner), done by one Lua script in transitions/ under Redis's clock, so of two
workers that think a job is theirs, one is told that it is not.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fitq_shared.events import events_key, progress_key
from fitq_shared.lanes import Lanes
from fitq_shared.new_job import NewJob, new_id
from fitq_shared.record import JobRecord
from fitq_shared.record_keys import (
    DELAYED,
    JOBS,
    QUEUES,
    RUNNING,
    UNSETTLED,
    behind_key,
    front_key,
    job_key,
    name_key,
    queued_key,
)
from fitq_shared.record_reader import RecordReader
from fitq_shared.redis_link import Redis, server_time
from fitq_shared.registry_keys import versions_key
from fitq_shared.scripts import Scripts, flat
from fitq_shared.specs.base import JobSpec


class Records:
    """Makes, finds and removes job records; `Attempts` and `Changes` change them."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._scripts = Scripts(redis)
        self._lanes = Lanes(redis)
        self._reader = RecordReader(
            redis, "job", "fitq jobs", JOBS, job_key, name_key, JobRecord.from_fields
        )

    # -- making and removing --------------------------------------------------------------

    def create(
        self,
        spec: JobSpec,
        prove: Callable[[str], str | None] | None = None,
        chosen_id: str | None = None,
    ) -> JobRecord:
        """Write the record of a new job, queued as its attempt 1.

        Args:
            prove: makes the client's signature for a job's id, if it signs.
            chosen_id: the id of the job, by which it is made once, whoever asks how often: if
                there is one, that is the job.
        """
        while True:
            job = NewJob(chosen_id or new_id(), spec)
            if records := self.create_all([job], lambda new: prove(new.id) if prove else None):
                return records[0]
            if chosen_id is not None:
                return self.get(chosen_id)

    def create_all(
        self, jobs: Sequence[NewJob], prove: Callable[[NewJob], str | None]
    ) -> list[JobRecord]:
        """Write the records of new jobs, all or none: queued, or waiting for those before them.

        Args:
            jobs: each may come after others of them.
            prove: makes the client's signature for a job, if it signs.

        Returns:
            Nothing when somebody else has taken one of the ids meanwhile.
        """
        keys, args = [JOBS, QUEUES, UNSETTLED], [secrets.token_hex(8)]
        queues: dict[tuple[str, ...], str] = {}
        for job in jobs:
            spec = job.spec
            lanes = (spec.owner, spec.needs.name, spec.priority)
            if lanes not in queues:
                queues[lanes] = self._lanes.of_next(spec.owner, spec.needs.name, spec.priority)
            queue = queues[lanes]
            fields = job.to_fields(prove(job))
            behind = [behind_key(other) for other in job.after]
            keys += [job_key(job.id), queued_key(queue), name_key(spec.name), events_key(job.id)]
            new = {"id": job.id, "queue": queue, "fields": fields, "behind": behind}
            args.append(json.dumps(new))
        if self._scripts.run("create", keys, args) != "created":
            return []
        return [self.get(job.id) for job in jobs]

    def restore(self, fields: Mapping[str, str]) -> bool:
        """Write the record of a job that Redis has lost; a queued one is found by a reaper.

        Args:
            fields: as a record keeps them, the state "queued", "waiting", or one that ends
                a job.

        Returns:
            False when Redis knows the job: nothing was changed.
        """
        job_id, queued = fields["id"], fields["state"] == "queued"
        queue = fields["queue"]
        before = JobRecord.from_fields(fields).after
        keys = [
            *(job_key(job_id), JOBS, name_key(fields["name"]), front_key(queue), QUEUES),
            *(UNSETTLED, behind_key(job_id), *map(behind_key, before)),
        ]
        args = [job_id, fields["created"], int(queued), queue, *flat(fields)]
        return self._scripts.run("restore", keys, args) == "restored"

    def forget(self, record: JobRecord) -> str:
        """Remove the record of an ended job.

        Returns:
            "forgotten", or the state that forbids it: the job has not ended, or has ended once
            more since its record was read; "registered": it is a version of a model.
        """
        keys = [
            job_key(record.id),
            JOBS,
            name_key(record.name),
            events_key(record.id),
            progress_key(record.id),
            versions_key(record.id),
            UNSETTLED,
            behind_key(record.id),
            *map(behind_key, record.after),
        ]
        return self._scripts.run("forget", keys, [record.id, record.attempt])

    # -- finding --------------------------------------------------------------------------

    def get(self, job_id: str) -> JobRecord:
        """The record of this id.

        Raises:
            UnknownJob: there is none, or something else than fitq has written it.
        """
        return self._reader.get(job_id)

    def several(self, job_ids: Sequence[str]) -> dict[str, JobRecord]:
        """The records of these ids, by id: of those that there are and that can be read."""
        return {record.id: record for record in self._reader.several(job_ids)}

    def find(self, reference: str) -> JobRecord:
        """The record that an id, the beginning of one, or a name refers to.

        A name that several jobs carry means the newest of them.

        Raises:
            UnknownJob: none, or several, begin like this; suggests the nearest names.
        """
        return self._reader.find(reference)

    def all(self, limit: int | None = None) -> Iterator[JobRecord]:
        """The records, newest first."""
        yield from self._reader.newest(limit)

    def running(self) -> Iterator[JobRecord]:
        """The records of running jobs, longest running first."""
        ids: Any = self.redis.zrange(RUNNING, 0, -1)
        yield from self._reader.several(ids)

    def due(self) -> Iterator[JobRecord]:
        """The jobs that waited before they were to be tried again, and need wait no longer."""
        ids: Any = self.redis.zrangebyscore(DELAYED, 0, server_time(self.redis), 0, 100)
        yield from self._reader.several(ids)
