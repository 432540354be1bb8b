"""What becomes of a job by others than the worker that runs it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from fitq_shared.errors import UnknownJob
from fitq_shared.events import KEPT_AFTER_THE_END_MS, events_key
from fitq_shared.lanes import Lanes
from fitq_shared.queues import QueueName
from fitq_shared.record import JobRecord, Reason, State
from fitq_shared.record_keys import (
    DELAYED,
    QUEUES,
    UNKEPT,
    UNSETTLED,
    behind_key,
    front_key,
    job_key,
    queued_key,
)
from fitq_shared.records import Records
from fitq_shared.scripts import Scripts


class Changes:
    """Changes jobs that there are: cancels and queues them again, lets go what comes after others.

    Args:
        records: those of the jobs.
    """

    def __init__(self, records: Records) -> None:
        self.records = records
        self._redis = records.redis
        self._scripts = Scripts(records.redis)
        self._lanes = Lanes(records.redis)

    def cancel(self, record: JobRecord, reason: Reason | None = None) -> str:
        """Cancel a job.

        Args:
            reason: why, where not a person asks for it: its record keeps it.

        Returns:
            "cancelled", "stopping" (it runs, and stops at its next batch), or the state in
            which it had ended before.
        """
        while True:
            queue = self._lanes.of_job(record.id)
            keys = [
                *(*_queued_keys(record.id, queue), events_key(record.id), QUEUES, UNKEPT),
                *(UNSETTLED, behind_key(record.id)),
            ]
            why = json.dumps(asdict(reason)) if reason else ""
            args = [record.id, KEPT_AFTER_THE_END_MS, queue, why]
            outcome = self._scripts.run("cancel", keys, args)
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
        return self._scripts.run("retry", keys, [record.id, record.attempt, int(fresh), queue])

    def may_resend(self, record: JobRecord) -> bool:
        """Take the right to send this queued job's message again; one caller gets it."""
        keys = [*_queued_keys(record.id, record.queue), QUEUES]
        args = [record.id, record.attempt, repr(record.sent), secrets.token_hex(4), record.queue]
        return self._scripts.run("resend", keys, args) == "resend"

    def unsettled(self) -> list[str]:
        """The ids of jobs that come after others which have changed, at most 100 of them."""
        ids: Any = self._redis.srandmember(UNSETTLED, 100)
        return list(ids)

    def settle(self, job_id: str) -> str:
        """Do with a job what follows from those that it comes after: see settle.lua.

        Returns:
            "released" to the one who is to send its message, to all others its state now.
        """
        try:
            record = self.records.get(job_id)
        except UnknownJob:
            self._redis.srem(UNSETTLED, job_id)
            return "unknown"
        name = QueueName.parse(record.queue)
        queue = self._lanes.of_next(record.owner, name.need, name.priority, name.schema)
        keys = [
            *(job_key(job_id), UNSETTLED, behind_key(job_id), queued_key(queue), QUEUES),
            *(events_key(job_id), UNKEPT, *map(job_key, record.after)),
        ]
        args = [job_id, secrets.token_hex(4), queue, KEPT_AFTER_THE_END_MS, *record.after]
        return self._scripts.run("settle", keys, args)

    def unkept(self) -> Iterator[str]:
        """The ids of ended jobs whose copy in the volume is to be renewed, at most 100 of them."""
        ids: Any = self._redis.srandmember(UNKEPT, 100)
        yield from ids

    def kept(self, job_id: str, state: State | None, attempt: int) -> str:
        """Say that the volume has a copy of the record as it was in this state.

        Returns:
            "kept", "changed" (another copy is needed), or "gone" (the job has been removed).
        """
        keys = [job_key(job_id), UNKEPT]
        return self._scripts.run("kept", keys, [job_id, state or "", attempt])


def _queued_keys(job_id: str, queue: str) -> list[str]:
    return [job_key(job_id), queued_key(queue), front_key(queue), DELAYED]
