"""Sending: a job's record first, then the Celery message that says there is work."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fitq_shared.changes import Changes
from fitq_shared.errors import FitqError
from fitq_shared.job_message import JobMessage, message_prefix
from fitq_shared.new_job import NewJob
from fitq_shared.queues import task_name
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.specs.base import JobSpec

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.signing import Signer


# A job may let go or stop those behind it, and these the next: so many at one look.
LONGEST_CASCADE = 20


def create(
    records: Records, spec: JobSpec, signer: Signer | None = None, chosen_id: str | None = None
) -> JobRecord:
    """The record of a new job. If we die before `send`, a worker's reaper sends its message."""

    def prove(job_id: str) -> str | None:
        return signer.prove(job_id, spec.kind, spec.digest()) if signer else None

    return records.create(spec, prove, chosen_id)


def create_all(
    records: Records, jobs: Sequence[NewJob], signer: Signer | None = None
) -> list[JobRecord]:
    """The records of new jobs, all or none.

    Raises:
        FitqError: somebody else has taken one of the ids at this moment.
    """

    def prove(job: NewJob) -> str | None:
        return signer.prove(job.id, job.spec.kind, job.spec.digest()) if signer else None

    made = records.create_all(jobs, prove)
    if not made:
        raise FitqError("another job has taken an id at this moment", "submit it again")
    return made


def settle_all(app: Celery, changes: Changes) -> None:
    """Let go, stop or hold the jobs that come after others which have changed.

    Whoever ends a job does this, and every reaper: what the one does not come to, the next does.
    """
    for _ in range(LONGEST_CASCADE):
        waiting = changes.unsettled()
        if not waiting:
            return
        for job_id in waiting:
            if changes.settle(job_id) == "released":
                send(app, changes.records.get(job_id))


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
