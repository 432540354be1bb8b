"""Gives an attempt's job back to its queue, and sends its message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fitq_shared.dispatch import send_to_front

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.record import Attempt, Reason
    from fitq_shared.records import Records

Counts = Literal["lost", "fault", ""]


def give_back(
    app: Celery,
    records: Records,
    attempt: Attempt,
    reason: Reason,
    counts: Counts,
    unless_leased: str | None = None,
) -> bool:
    """Queue a job again and send its message, unless that has ended it, or it is to wait.

    Returns:
        False when the attempt is outdated or its lease is held: nothing was changed.
    """
    state = records.give_back(attempt, reason, counts=counts, unless_leased=unless_leased)
    if state in ("stale", "alive"):
        return False
    if state == "queued":
        send_to_front(app, records, records.get(attempt.job_id))
    return True
