"""The lanes in which jobs wait: which one an owner's next job gets, and where a job stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fitq_shared.queues import PRIORITIES, Priority, QueueName, is_job_queue, lanes_of
from fitq_shared.record import JobRecord
from fitq_shared.record_keys import QUEUES, front_key, job_key, queued_key
from fitq_shared.redis_link import Redis
from fitq_shared.schema import SCHEMA_VERSION


@dataclass(frozen=True)
class Place:
    """Where a queued job stands: how many jobs are before it in its lane; how many wait in the
    other lanes of its need and priority, from which workers take in turn; and how many of its
    need have a higher priority."""

    before: int
    beside: int
    above: int


class Lanes:
    """Reads what waits in the queues of jobs."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def queues(self) -> list[str]:
        """The queues in which jobs of this version wait."""
        names: Any = self._redis.smembers(QUEUES)
        return sorted(name for name in names if is_job_queue(name))

    def of_job(self, job_id: str) -> str:
        """The queue in which a job waits, or waited last; "" when there is no such job."""
        queue: Any = self._redis.hget(job_key(job_id), "queue")
        return str(queue or "")

    def of_next(
        self, owner: str, need: str, priority: Priority, schema: int = SCHEMA_VERSION
    ) -> str:
        """The queue of an owner's next job: the lane in which his jobs wait, or the emptiest.

        Where lanes are shared, since there are more owners than lanes, the newest job tells
        whose a lane is. Of two who ask at the same moment both may be given one lane: then
        they share it until it is empty.
        """
        lanes = lanes_of(need, priority, schema)
        waiting = self._waiting(lanes)
        used = [queue for queue, count in zip(lanes, waiting, strict=True) if count]
        for queue, newest in zip(used, self._newest_owners(used), strict=True):
            if newest in (owner, None):  # None: its last job was taken meanwhile
                return queue
        return lanes[waiting.index(min(waiting))]

    def place(self, record: JobRecord) -> Place | None:
        """Where a job stands; None when it is not queued in the queue of this record."""
        with self._redis.pipeline() as pipe:
            pipe.zrevrank(front_key(record.queue), record.id)
            pipe.zrank(queued_key(record.queue), record.id)
            pipe.zcard(front_key(record.queue))
            in_front, rank, front = pipe.execute()
        if in_front is None and rank is None:
            return None
        before = int(in_front) if in_front is not None else int(rank) + int(front)
        name = QueueName.parse(record.queue)
        beside = [q for q in lanes_of(*name.group) if q != record.queue]
        higher = PRIORITIES[: PRIORITIES.index(name.priority)]
        above = [q for p in higher for q in lanes_of(name.need, p, name.schema)]
        waiting = self._waiting([*beside, *above])
        return Place(before, sum(waiting[: len(beside)]), sum(waiting[len(beside) :]))

    def _waiting(self, queues: Sequence[str]) -> list[int]:
        """How many jobs wait in each of these queues."""
        with self._redis.pipeline(transaction=False) as pipe:
            for queue in queues:
                pipe.zcard(front_key(queue))
                pipe.zcard(queued_key(queue))
            counts: list[int] = pipe.execute()
        return [front + back for front, back in zip(counts[::2], counts[1::2], strict=True)]

    def _newest_owners(self, queues: Sequence[str]) -> list[str | None]:
        """Whose job was the last to come to each of these queues, in which jobs wait."""
        with self._redis.pipeline(transaction=False) as pipe:
            for queue in queues:
                pipe.zrange(queued_key(queue), -1, -1)
                pipe.zrange(front_key(queue), -1, -1)
            found: list[list[str]] = pipe.execute()
            for back, front in zip(found[::2], found[1::2], strict=True):
                pipe.hget(job_key("".join(back or front)), "owner")
            owners: list[str | None] = pipe.execute()
        return owners
