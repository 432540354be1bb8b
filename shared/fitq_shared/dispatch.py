"""Sending: a job's record first, then the Celery message that says there is work."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from fitq_shared.job_message import JobMessage, message_prefix
from fitq_shared.queues import task_name
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.specs.base import JobSpec

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.signing import Signer


def create(
    records: Records, spec: JobSpec, signer: Signer | None = None, chosen_id: str | None = None
) -> JobRecord:
    """The record of a new job. If we die before `send`, a worker's reaper sends its message."""

    def prove(job_id: str) -> str | None:
        return signer.prove(job_id, spec.kind, spec.digest()) if signer else None

    return records.create(spec, prove, chosen_id)


def send_to_front(app: Celery, records: Records, record: JobRecord) -> None:
    """Send the message of a record that comes before all that wait in its queue.

    Celery only sends to the back. So the message goes to a list of its own first, and Redis
    moves it to the end from which workers take.
    """
    aside = f"{record.queue}.front"
    send(app, record, aside)
    while records.redis.lmove(aside, record.queue, "RIGHT", "RIGHT"):
        pass


def send(app: Celery, record: JobRecord, queue: str | None = None) -> None:
    """Send the message of a queued record. A second one for the same attempt does no harm."""
    app.send_task(
        task_name(record.kind),
        kwargs=JobMessage.of(record).arguments(),
        # Each message has an id of its own, so that in Flower a duplicate that a worker drops
        # does not hide the one that ran.
        task_id=message_prefix(record.id, record.attempt) + secrets.token_hex(3),
        queue=queue or record.queue,
        argsrepr=record.name,
        kwargsrepr=record.summary,
        ignore_result=True,
    )
