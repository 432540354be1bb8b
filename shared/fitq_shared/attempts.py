"""What a worker does with a job while it is its own: one attempt, from its claim to its end."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

from fitq_shared.events import KEPT_AFTER_THE_END_MS, events_key
from fitq_shared.lanes import Lanes
from fitq_shared.lease import Lease
from fitq_shared.record import Attempt, Reason, State
from fitq_shared.record_keys import (
    DELAYED,
    QUEUES,
    RUNNING,
    UNKEPT,
    UNSETTLED,
    behind_key,
    front_key,
    job_key,
    queued_key,
    taken_key,
)
from fitq_shared.records import Records
from fitq_shared.registry_keys import MODELS, UNKEPT_MODELS, model_key, versions_key
from fitq_shared.rows_used import RowsUsed
from fitq_shared.schema import SCHEMA_VERSION
from fitq_shared.scripts import Scripts, flat

# How many workers a job may take down before it is held to be the cause.
LOSS_LIMIT = 3
# How many faults of the infrastructure a job waits out: with the pauses between, five minutes.
FAULT_LIMIT = 10


class Attempts:
    """Begins and ends the attempts of jobs.

    Each change names the attempt, and is refused when that is no longer the newest: of two
    workers that think a job is theirs, one is told that it is not.

    Args:
        records: those of the jobs.
        loss_limit: how many workers a job may take down before it has failed.
    """

    def __init__(self, records: Records, loss_limit: int = LOSS_LIMIT) -> None:
        self.records = records
        self._loss_limit = loss_limit
        self._giver = secrets.token_hex(4)
        self._scripts = Scripts(records.redis)
        self._lanes = Lanes(records.redis)

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
        queue = self._lanes.of_job(job_id)
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
        outcome = self._scripts.run("claim", keys, args)
        return Attempt(job_id, number, lease.token) if outcome == "claimed" else outcome

    def succeed(
        self,
        attempt: Attempt,
        manifest: str,
        metrics: Mapping[str, float],
        model_name: str | None = None,
        rows_used: RowsUsed | None = None,
        summary: str | None = None,
    ) -> bool:
        """Publish: the attempt's folder with this manifest is the job's result.

        Args:
            model_name: in the same step it becomes the next version of this model.
            rows_used: those that it has measured or predicted.
            summary: the job in a few words, where they are others than before it has run.

        Returns:
            False when the attempt is outdated: nothing was changed.
        """
        fields = {"manifest": manifest, "metrics": json.dumps(dict(metrics))}
        if rows_used is not None:
            fields["rows_used"] = json.dumps(asdict(rows_used))
        if summary is not None:
            fields["summary"] = summary
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
        job_id, queue = attempt.job_id, self._lanes.of_job(attempt.job_id)
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
        return self._scripts.run("give_back", keys, args)  # type: ignore[return-value]

    def order(self, attempt: Attempt) -> Literal["go-on", "cancel", "outdated"]:
        """What a running attempt is to do now."""
        fields: Any = self.records.redis.hmget(
            job_key(attempt.job_id), ["state", "attempt", "token", "cancel"]
        )
        if fields[:3] != ["running", str(attempt.number), attempt.token]:
            return "outdated"
        return "cancel" if fields[3] == "1" else "go-on"

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
            *(model_name or "", secrets.token_hex(8), *flat(fields)),
        ]
        return self._scripts.run("finish", keys, args) == "finished"
