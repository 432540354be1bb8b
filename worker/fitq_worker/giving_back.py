"""Gives an attempt's job back to its queue, and does what follows from that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fitq_shared.dispatch import send_to_front
from fitq_worker.ended_jobs import keep_record

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.record import Attempt, Reason
    from fitq_shared.records import Records
    from fitq_shared.store import Store

Counts = Literal["lost", "fault", ""]


def give_back(
    app: Celery,
    records: Records,
    store: Store,
    attempt: Attempt,
    reason: Reason,
    counts: Counts,
    unless_leased: str | None = None,
) -> bool:
    """Queue a job again and send its message, or keep its record if that has ended it.

    Returns:
        False when the attempt is outdated or its lease is held: nothing was changed.
    """
    state = records.give_back(attempt, reason, counts=counts, unless_leased=unless_leased)
    if state in ("stale", "alive"):
        return False
    record = records.get(attempt.job_id)
    if state == "queued":
        send_to_front(app, records, record)
    elif record.ended:
        keep_record(store, record)
    return True
