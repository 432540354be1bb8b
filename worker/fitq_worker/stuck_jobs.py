"""Ends a job of this worker that should have stopped by itself, and does not."""

from __future__ import annotations

import logging
import time

from fitq_shared.attempts import Attempts
from fitq_shared.record import Attempt, JobRecord, Reason
from fitq_shared.redis_link import server_time
from fitq_worker import flags
from fitq_worker.leaving import end_child

log = logging.getLogger(__name__)

# A job obeys between two batches. One that has not done so for this long is stuck in something.
PATIENCE_SECONDS = 10.0


class StuckJobs:
    """Looks at the job that the child has in hand: the record ends first, then the child.

    So whatever the child does meanwhile, it finds its attempt outdated. The clock is this
    host's, and starts when the order was first seen here.
    """

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._ordered: tuple[Attempt, float] | None = None

    def look_at(self, record: JobRecord) -> None:
        """End the job if it was to stop PATIENCE_SECONDS ago."""
        attempt = Attempt(record.id, record.attempt, record.token or "")
        late = record.timeout is not None and self._ran(record) > record.timeout
        if not (record.cancel or late):
            return
        now = time.monotonic()
        if self._ordered is None or self._ordered[0] != attempt:
            self._ordered = (attempt, now)
        if now - self._ordered[1] < PATIENCE_SECONDS:
            return
        ended = (
            self._attempts.cancelled(attempt)
            if record.cancel
            else self._attempts.fail(attempt, timed_out(record))
        )
        # A job that has stopped by itself in the last moment leaves the child to the next one.
        if ended and flags.has_in_hand(record.id, record.attempt):
            log.warning("job %s does not stop: ending its process", record.id)
            end_child()

    def _ran(self, record: JobRecord) -> float:
        now = server_time(self._attempts.records.redis)
        return record.ran + now - (record.started or now)


def timed_out(record: JobRecord) -> Reason:
    """Why a job failed that ran for longer than it may."""
    return Reason(
        "timeout",
        f"the job ran for longer than its timeout of {record.timeout:g} s",
        f"go on from its last checkpoint with `fitq retry {record.name}`, "
        "or submit it with a longer --timeout",
    )
