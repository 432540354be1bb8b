"""A record of a job that is in no Redis."""

from __future__ import annotations

from fitq_shared.queues import queue_for
from fitq_shared.record import JobRecord

RECORD = JobRecord(
    id="abcd2345",
    name="n",
    kind="train",
    owner="ann",
    tags=(),
    device="any",
    queue=queue_for("any"),
    summary="",
    spec={},
    spec_hash="",
    state="queued",
    attempt=1,
    losses=0,
    created=0.0,
    sent=0.0,
)
