"""Finds the queued jobs whose message Redis has lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fitq_shared.job_message import message_prefix
from fitq_shared.record import JobRecord
from fitq_shared.record_keys import front_key, queued_key, taken_key
from fitq_shared.records import Records
from fitq_shared.redis_link import server_time


def without_message(records: Records, queue: str, grace_seconds: float) -> Iterator[JobRecord]:
    """The queued jobs whose message must be lost, at most 200 of them.

    A queue is first in, first out. So a job's message is lost when one that was sent after it
    has been taken, or when nothing is left in the queue, and it has not been claimed within the
    grace time that a worker may need between taking and claiming. What came to the front is
    lost when it is not there.
    """
    redis = records.redis
    settled = server_time(redis) - grace_seconds
    taken: Any = redis.get(taken_key(queue))
    empty = redis.llen(queue) == 0
    newest = settled if empty else min(settled, float(taken or 0))
    ids: Any = redis.zrangebyscore(queued_key(queue), 0, f"({newest}", 0, 100)
    yield from records.several(ids).values()
    yield from _missing_at_the_front(records, queue, settled)


def _missing_at_the_front(records: Records, queue: str, settled: float) -> Iterator[JobRecord]:
    redis = records.redis
    ids: Any = redis.zrangebyscore(front_key(queue), 0, settled, 0, 100)
    if not ids:
        return
    # Workers take from the end of the list. Each may have been sent twice.
    depth = 2 * int(redis.zcard(front_key(queue))) + 8
    there = "".join(redis.lrange(queue, -depth, -1))  # type: ignore[arg-type]
    for record in records.several(ids).values():
        if f'"{message_prefix(record.id, record.attempt)}' not in there:
            yield record
