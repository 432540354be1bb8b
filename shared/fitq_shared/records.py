"""Job records: the truth about every job, in Redis.

States: waiting, queued, running, succeeded, failed, cancelled. Every change is a compare-and-set on
(state, attempt, owner), done by one Lua script in transitions/ under Redis's clock, so of two
workers that think a job is theirs, one is told that it is not.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from fitq_shared.errors import UnknownJob
from fitq_shared.events import KEPT_AFTER_THE_END_MS, events_key, progress_key
from fitq_shared.lanes import Lanes
from fitq_shared.lease import Lease
from fitq_shared.queues import QueueName
from fitq_shared.record import Attempt, JobRecord, Reason, State
from fitq_shared.record_keys import (
    DELAYED,
    JOBS,
    QUEUES,
    RUNNING,
    UNKEPT,
    UNSETTLED,
    behind_key,
    front_key,
    job_key,
    name_key,
    queued_key,
    taken_key,
)
from fitq_shared.record_reader import RecordReader
from fitq_shared.redis_link import Redis, server_time
from fitq_shared.registry_keys import MODELS, UNKEPT_MODELS, model_key, versions_key
from fitq_shared.schema import SCHEMA_VERSION
from fitq_shared.scripts import Scripts
from fitq_shared.specs.base import JobSpec

# How many workers a job may take down before it is held to be the cause.
LOSS_LIMIT = 3
# How many faults of the infrastructure a job waits out: with the pauses between, five minutes.
FAULT_LIMIT = 10

_ID_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def new_id() -> str:
    """An id that no other job or sweep will have had."""
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(8))


@dataclass(frozen=True)
class NewJob:
    """A job to be made: its id (of `new_id`), its spec, and the jobs it comes after."""

    id: str
    spec: JobSpec
    after: tuple[str, ...] = ()


class Records:
    """Reads and changes job records.

    Args:
        loss_limit: how many workers a job may take down before it has failed.
    """

    def __init__(self, redis: Redis, loss_limit: int = LOSS_LIMIT) -> None:
        self.redis = redis
        self._loss_limit = loss_limit
        self._giver = secrets.token_hex(4)
        self._scripts = Scripts(redis)
        self._lanes = Lanes(redis)
        self._reader = RecordReader(
            redis, "job", "fitq jobs", JOBS, job_key, name_key, JobRecord.from_fields
        )

    # -- making and finding ---------------------------------------------------------------

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
            fields = _new_fields(job, prove(job))
            behind = [behind_key(other) for other in job.after]
            keys += [job_key(job.id), queued_key(queue), name_key(spec.name), events_key(job.id)]
            new = {"id": job.id, "queue": queue, "fields": fields, "behind": behind}
            args.append(json.dumps(new))
        if self._run("create", keys, args) != "created":
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
        args = [job_id, fields["created"], int(queued), queue, *_flat(fields)]
        return self._run("restore", keys, args) == "restored"

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

    # -- changing -------------------------------------------------------------------------

    def claim(
        self,
        job_id: str,
        number: int,
        spec_hash: str,
        lease: Lease,
        *,
        worker: str,
        device_name: str,
        threads: int,
    ) -> Attempt | str:
        """Take a queued job for the worker that holds this lease.

        Returns:
            The attempt, or why not: "stale" (it is no longer queued as this attempt), "early"
            (it waits before it is tried again), "altered" (the message names another spec than
            the record), "other-version" or "no-lease".
        """
        queue = self._queue_of(job_id)
        keys = [
            job_key(job_id),
            queued_key(queue),
            front_key(queue),
            RUNNING,
            events_key(job_id),
            lease.key,
            taken_key(queue),
            QUEUES,
        ]
        args = [
            *(job_id, number, spec_hash, SCHEMA_VERSION),
            *(lease.token, worker, device_name, threads, queue),
        ]
        outcome = self._run("claim", keys, args)
        return Attempt(job_id, number, lease.token) if outcome == "claimed" else outcome

    def succeed(
        self,
        attempt: Attempt,
        manifest: str,
        metrics: Mapping[str, float],
        model_name: str | None = None,
    ) -> bool:
        """Publish: the attempt's folder with this manifest is the job's result.

        Args:
            model_name: in the same step it becomes the next version of this model.

        Returns:
            False when the attempt is outdated: nothing was changed.
        """
        fields = {"manifest": manifest, "metrics": json.dumps(dict(metrics))}
        return self._finish(attempt, "succeeded", fields, model_name)

    def fail(self, attempt: Attempt, reason: Reason) -> bool:
        """The attempt failed for good. False when it is outdated."""
        return self._finish(attempt, "failed", {"reason": json.dumps(asdict(reason))})

    def cancelled(self, attempt: Attempt) -> bool:
        """The attempt has stopped because its job was cancelled. False when it is outdated."""
        return self._finish(attempt, "cancelled", {})

    def give_back(
        self,
        attempt: Attempt,
        reason: Reason,
        *,
        counts: Literal["lost", "fault", ""],
        unless_leased: str | None = None,
    ) -> State | Literal["delayed", "stale", "alive"]:
        """Queue the job again as its next attempt, at the front.

        Args:
            counts: "lost": a worker was lost with it, and a job that loses too many has failed;
                "fault": the infrastructure failed it, which too it bears only so often.
            unless_leased: the lease under which it ran: nothing changes while it is held.

        Returns:
            The new state (the caller sends the message if it is "queued"), "delayed" when it
            is queued but to be sent later, "stale" when the attempt is outdated, or "alive"
            when its lease is still held. Whoever has given it back and asks again is told what
            has become of it, since the first answer may have been lost.
        """
        job_id, queue = attempt.job_id, self._queue_of(attempt.job_id)
        keys = [
            job_key(job_id),
            RUNNING,
            front_key(queue),
            DELAYED,
            events_key(job_id),
            UNKEPT,
            QUEUES,
            UNSETTLED,
            behind_key(job_id),
            *([unless_leased] if unless_leased else []),
        ]
        args = [
            *(job_id, attempt.number, attempt.token, json.dumps(asdict(reason)), counts),
            *(self._loss_limit, FAULT_LIMIT, KEPT_AFTER_THE_END_MS, self._giver, queue),
        ]
        return self._run("give_back", keys, args)  # type: ignore[return-value]

    def cancel(self, record: JobRecord, reason: Reason | None = None) -> str:
        """Cancel a job.

        Args:
            reason: why, where not a person asks for it: its record keeps it.

        Returns:
            "cancelled", "stopping" (it runs, and stops at its next batch), or the state in
            which it had ended before.
        """
        while True:
            queue = self._queue_of(record.id)
            keys = [
                *(*_queued_keys(record.id, queue), events_key(record.id), QUEUES, UNKEPT),
                *(UNSETTLED, behind_key(record.id)),
            ]
            why = json.dumps(asdict(reason)) if reason else ""
            outcome = self._run("cancel", keys, [record.id, KEPT_AFTER_THE_END_MS, queue, why])
            if outcome != "moved":
                return outcome

    def retry(self, record: JobRecord, *, fresh: bool) -> str:
        """Queue a job that has failed or was cancelled again, in a lane as a new job gets it.

        Args:
            fresh: from the start, not from its last checkpoint.

        Returns:
            "retried", "stale" when the record has changed since it was read, or the state that
            forbids it.
        """
        name = QueueName.parse(record.queue)
        queue = self._lanes.of_next(record.owner, name.need, name.priority, name.schema)
        keys = [
            *(job_key(record.id), queued_key(queue), events_key(record.id), QUEUES),
            *(UNSETTLED, behind_key(record.id)),
        ]
        return self._run("retry", keys, [record.id, record.attempt, int(fresh), queue])

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
        return self._run("forget", keys, [record.id, record.attempt])

    def may_resend(self, record: JobRecord) -> bool:
        """Take the right to send this queued job's message again; one caller gets it."""
        keys = [*_queued_keys(record.id, record.queue), QUEUES]
        args = [record.id, record.attempt, repr(record.sent), secrets.token_hex(4), record.queue]
        return self._run("resend", keys, args) == "resend"

    def unsettled(self) -> list[str]:
        """The ids of jobs that come after others which have changed, at most 100 of them."""
        ids: Any = self.redis.srandmember(UNSETTLED, 100)
        return list(ids)

    def settle(self, job_id: str) -> str:
        """Do with a job what follows from those that it comes after: see settle.lua.

        Returns:
            "released" to the one who is to send its message, to all others its state now.
        """
        try:
            record = self.get(job_id)
        except UnknownJob:
            self.redis.srem(UNSETTLED, job_id)
            return "unknown"
        name = QueueName.parse(record.queue)
        queue = self._lanes.of_next(record.owner, name.need, name.priority, name.schema)
        keys = [
            *(job_key(job_id), UNSETTLED, behind_key(job_id), queued_key(queue), QUEUES),
            *(events_key(job_id), UNKEPT, *map(job_key, record.after)),
        ]
        args = [job_id, secrets.token_hex(4), queue, KEPT_AFTER_THE_END_MS, *record.after]
        return self._run("settle", keys, args)

    def unkept(self) -> Iterator[str]:
        """The ids of ended jobs whose copy in the volume is to be renewed, at most 100 of them."""
        ids: Any = self.redis.srandmember(UNKEPT, 100)
        yield from ids

    def kept(self, job_id: str, state: State | None, attempt: int) -> str:
        """Say that the volume has a copy of the record as it was in this state.

        Returns:
            "kept", "changed" (another copy is needed), or "gone" (the job has been removed).
        """
        keys = [job_key(job_id), UNKEPT]
        return self._run("kept", keys, [job_id, state or "", attempt])

    def order(self, attempt: Attempt) -> Literal["go-on", "cancel", "outdated"]:
        """What a running attempt is to do now."""
        fields: Any = self.redis.hmget(
            job_key(attempt.job_id), ["state", "attempt", "token", "cancel"]
        )
        if fields[:3] != ["running", str(attempt.number), attempt.token]:
            return "outdated"
        return "cancel" if fields[3] == "1" else "go-on"

    # -- inside ---------------------------------------------------------------------------

    def _finish(
        self,
        attempt: Attempt,
        state: State,
        fields: Mapping[str, str],
        model_name: str | None = None,
    ) -> bool:
        keys = [
            *(job_key(attempt.job_id), RUNNING, events_key(attempt.job_id), UNKEPT),
            *(UNSETTLED, behind_key(attempt.job_id)),
        ]
        if model_name is not None:
            keys += [model_key(model_name), MODELS, versions_key(attempt.job_id), UNKEPT_MODELS]
        args = [
            *(attempt.job_id, attempt.number, attempt.token, state, KEPT_AFTER_THE_END_MS),
            *(model_name or "", secrets.token_hex(8), *_flat(fields)),
        ]
        return self._run("finish", keys, args) == "finished"

    def _queue_of(self, job_id: str) -> str:
        queue: Any = self.redis.hget(job_key(job_id), "queue")
        return str(queue or "")

    def _run(self, name: str, keys: list[str], args: list[Any]) -> str:
        return self._scripts.run(name, keys, args)


def _new_fields(job: NewJob, proof: str | None) -> dict[str, str]:
    """What the record of a new job says that its place in Redis does not."""
    spec = job.spec
    fields = {
        "id": job.id,
        "name": spec.name,
        "kind": spec.kind,
        "owner": spec.owner,
        "tags": json.dumps(spec.tags),
        "device": spec.device,
        "summary": spec.summary,
        "spec": spec.canonical(),
        "spec_hash": spec.digest(),
        "schema": str(SCHEMA_VERSION),
    }
    if spec.fixed_threads is not None:
        fields["threads"] = fields["fixed_threads"] = str(spec.fixed_threads)
    if job.after:
        fields["after"] = json.dumps(job.after)
    if proof:
        fields["proof"] = proof
    return fields


def _queued_keys(job_id: str, queue: str) -> list[str]:
    return [job_key(job_id), queued_key(queue), front_key(queue), DELAYED]


def _flat(fields: Mapping[str, str]) -> list[str]:
    return [part for pair in fields.items() for part in pair]
