"""The Celery tasks: one for each job kind, all with the same few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.exceptions import Ignore

from fitq_shared.errors import JobError
from fitq_shared.queues import task_name
from fitq_shared.specs.kinds import KINDS

if TYPE_CHECKING:
    from celery import Celery, Task


def register(app: Celery) -> None:
    """Make the tasks known to the application."""
    for kind in KINDS:
        app.task(name=task_name(kind), bind=True, throws=(JobError,))(_run)


def _run(
    task: Task[Any, Any], *, job: str, kind: str, attempt: int, spec_hash: str
) -> dict[str, Any]:
    """Run one attempt; what it returns or raises is what Flower shows.

    The kind is part of what may be signed, and the gate has compared it with the task; which
    kind of job this is, the record says.
    """
    from fitq_worker.attempt_end import NotPublished
    from fitq_worker.attempt_run import run_attempt

    try:
        return run_attempt(job, attempt, spec_hash)
    except NotPublished as outcome:
        # Flower then shows the message as revoked, neither as done nor as a failure.
        task.send_event("task-revoked", terminated=False, signum=None, expired=False)
        raise Ignore(str(outcome)) from None
