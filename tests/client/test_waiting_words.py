from __future__ import annotations

from dataclasses import replace

from fitq.waiting import after_whom
from support.records import RECORD

FIRST = replace(RECORD, name="first", state="running")


def test_a_waiting_job_says_what_is_still_to_come() -> None:
    # Given two jobs, of which one has succeeded
    done = replace(FIRST, name="second", state="succeeded")
    # Then one that comes after both waits for the other
    assert after_whom([FIRST, done]) == "waiting: after first, which is running"
    # And when both have, it says what happens next
    assert after_whom([done]) == (
        "waiting: all before it have succeeded; it is queued within seconds"
    )
