"""Gives an attempt's job back to its queue, and sends its message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fitq_shared.dispatch import send_to_front

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.attempts import Attempts
    from fitq_shared.record import Attempt, Reason

Counts = Literal["lost", "fault", ""]


def give_back(
    app: Celery,
    attempts: Attempts,
    attempt: Attempt,
    reason: Reason,
    counts: Counts,
    unless_leased: str | None = None,
) -> bool:
    """Queue a job again and send its message, unless that has ended it, or it is to wait.

    Returns:
        False when the attempt is outdated or its lease is held: nothing was changed.
    """
    state = attempts.give_back(attempt, reason, counts=counts, unless_leased=unless_leased)
    if state in ("stale", "alive"):
        return False
    if state == "queued":
        records = attempts.records
        send_to_front(app, records, records.get(attempt.job_id))
    return True
