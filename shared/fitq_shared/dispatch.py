"""Sending: a job's record first, then the Celery message that says there is work."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from fitq_shared.queues import task_name
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.specs.base import JobSpec

if TYPE_CHECKING:
    from celery import Celery


def submit(app: Celery, records: Records, spec: JobSpec) -> JobRecord:
    """Queue a new job. If we die before the message is sent, a worker's reaper sends it."""
    record = records.create(spec)
    send(app, record)
    return record


def send(app: Celery, record: JobRecord) -> None:
    """Send the message of a queued record. A second one for the same attempt does no harm."""
    app.send_task(
        task_name(record.kind),
        kwargs={"job": record.id, "attempt": record.attempt, "spec_hash": record.spec_hash},
        # Each message has an id of its own, so that in Flower a duplicate that a worker drops
        # does not hide the one that ran.
        task_id=f"{record.id}-{record.attempt}-{secrets.token_hex(3)}",
        queue=record.queue,
        argsrepr=record.name,
        kwargsrepr=record.summary,
        ignore_result=True,
    )
