from __future__ import annotations

from dataclasses import replace

from fitq.waiting import after_whom
from fitq_shared.queues import queue_for
from fitq_shared.record import JobRecord

FIRST = JobRecord(
    id="abcd2345",
    name="first",
    kind="train",
    owner="ann",
    tags=(),
    device="any",
    queue=queue_for("any"),
    summary="",
    spec={},
    spec_hash="",
    state="running",
    attempt=1,
    losses=0,
    created=0.0,
    sent=0.0,
)


def test_a_waiting_job_says_what_is_still_to_come() -> None:
    # Given two jobs, of which one has succeeded
    done = replace(FIRST, name="second", state="succeeded")
    # Then one that comes after both waits for the other
    assert after_whom([FIRST, done]) == "waiting: after first, which is running"
    # And when both have, it says what happens next
    assert after_whom([done]) == (
        "waiting: all before it have succeeded; it is queued within seconds"
    )
