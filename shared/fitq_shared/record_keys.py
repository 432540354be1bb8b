"""Where Redis keeps the records of jobs, and in which sets it has which of them."""

from __future__ import annotations

JOBS = "fitq:jobs"
RUNNING = "fitq:running"
DELAYED = "fitq:delayed"
# Jobs that have ended, of which the volume may still have an older copy.
UNKEPT = "fitq:unkept"
# Jobs that come after others which have changed since: to be looked at once more.
UNSETTLED = "fitq:unsettled"
# The queues in which jobs wait now: there could be thousands, of which a few are in use.
QUEUES = "fitq:queues"


def job_key(job_id: str) -> str:
    """The key of a job's record."""
    return f"fitq:job:{job_id}"


def queued_key(queue: str) -> str:
    """The key of the jobs at the back of a queue, by the time they were sent."""
    return f"fitq:queued:{queue}"


def front_key(queue: str) -> str:
    """The key of the jobs that came to the front of a queue, by the time they were sent."""
    return f"fitq:front:{queue}"


def taken_key(queue: str) -> str:
    """The key of when the newest job taken from a queue had been sent."""
    return f"fitq:taken:{queue}"


def name_key(name: str) -> str:
    """The key of the jobs that go by a name, by the time they were created."""
    return f"fitq:name:{name}"


def behind_key(job_id: str) -> str:
    """The key of the jobs that come after a job."""
    return f"fitq:behind:{job_id}"
