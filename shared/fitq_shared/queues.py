"""Which queue a job's needs name, and which queues a device serves.

Redis lists cannot be filtered, so what a job needs is the name of its queue, and a worker
takes from every queue that its device satisfies. The version of the job is a need, too.
"""

from __future__ import annotations

from typing import Literal, get_args

from fitq_shared.schema import SCHEMA_VERSION

DeviceNeed = Literal["any", "cpu", "gpu"]
DeviceKind = Literal["cpu", "gpu"]

TASK_PREFIX = "fitq."
NEEDS: tuple[DeviceNeed, ...] = get_args(DeviceNeed)


def queue_for(need: DeviceNeed, schema: int = SCHEMA_VERSION) -> str:
    """The queue of jobs of this version that need this device."""
    return f"fitq.v{schema}.{need}"


QUEUES = tuple(queue_for(need) for need in NEEDS)


def queues_served_by(kind: DeviceKind) -> tuple[str, ...]:
    """The queues that a worker with this kind of device takes from, its own kind first."""
    return (queue_for(kind), queue_for("any"))


def task_name(kind: str) -> str:
    """The Celery task of a job kind, as Flower shows it."""
    return f"{TASK_PREFIX}{kind}"
