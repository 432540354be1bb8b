"""What is raised of a job or a sweep that did not end as whoever waited for it expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitq_shared.errors import JobFailed, NotEnded

if TYPE_CHECKING:
    from fitq_shared.record import JobRecord
    from fitq_shared.sweeps.record import SweepRecord


def check_ended(record: JobRecord | SweepRecord, timeout: float | None, todo: str) -> None:
    """See that it has ended in the time, in seconds, that it was given.

    Raises:
        NotEnded: it has not; `todo` says what helps.
    """
    if not record.ended:
        raise NotEnded(
            f"{record.name} has not ended within {timeout:g} s: it is {record.state}", todo
        )


def check_succeeded(record: JobRecord | SweepRecord, todo: str) -> None:
    """See that it has succeeded.

    Raises:
        JobFailed: it has failed or was cancelled; says why, and `todo` what helps.
    """
    if record.state == "succeeded":
        return
    what = "failed" if record.state == "failed" else "was cancelled"
    why = f": {record.reason.message}" if record.reason else ""
    hint = record.reason.hint if record.reason else ""
    raise JobFailed(f"{record.name} {what}{why}", f"{hint}; {todo}" if hint else todo)
