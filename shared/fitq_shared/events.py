"""What happens to a job, as a stream that clients follow.

Types: waiting, queued, started, progress, epoch, requeued, succeeded, failed, cancelled. The
states' events are written together with the state (transitions/); the worker adds the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fitq_shared.redis_link import Redis

ENDINGS = ("succeeded", "failed", "cancelled")
KEPT_EVENTS = 1000
KEPT_PROGRESS = 1
# So long that whoever follows sees the end; then the record says how the job ended, and the
# volume has its history, so that an ended job costs Redis the same however long it ran.
KEPT_AFTER_THE_END_MS = 60 * 1000


@dataclass(frozen=True)
class Event:
    """One entry of the stream; `data` is what this type of event carries."""

    id: str
    type: str
    attempt: int
    data: dict[str, Any] = field(default_factory=dict)


def events_key(job_id: str) -> str:
    """The key of a job's event stream."""
    return f"fitq:events:{job_id}"


def progress_key(job_id: str) -> str:
    """The key of the stream that holds the newest progress of a job."""
    return f"fitq:progress:{job_id}"


def publish(redis: Redis, job_id: str, event: str, attempt: int, data: Mapping[str, Any]) -> None:
    """Add an event. Old ones fall off the end of a very long stream.

    Of progress only the newest is kept, in a stream of its own, so that it pushes nothing out.
    """
    fields: dict[Any, Any] = {"type": event, "attempt": attempt, "data": json.dumps(data)}
    if event != "progress":
        # Never anew: what an outdated attempt tells after the end would stay for ever.
        key = events_key(job_id)
        redis.xadd(key, fields, maxlen=KEPT_EVENTS, approximate=True, nomkstream=True)
        return
    with redis.pipeline() as pipe:
        pipe.xadd(progress_key(job_id), fields, maxlen=KEPT_PROGRESS, approximate=False)
        pipe.pexpire(progress_key(job_id), KEPT_AFTER_THE_END_MS)
        pipe.execute()


def follow(redis: Redis, job_id: str, block_seconds: float = 1.0) -> Iterator[Event | None]:
    """The events from the beginning, then the new ones as they come.

    Yields None whenever nothing has come for `block_seconds`, so that the caller can look at
    other things. Ends only when the caller stops.
    """
    last: dict[Any, Any] = {progress_key(job_id): "0", events_key(job_id): "0"}
    while True:
        answer: Any = redis.xread(dict(last), count=200, block=int(block_seconds * 1000))
        found = list(answer.items() if isinstance(answer, dict) else answer or [])
        for key, entries in found:
            for event_id, fields in _flat(entries):
                yield _event(event_id, fields)
                last[key] = event_id
        if not found:
            yield None


def _flat(entries: Any) -> Any:
    """The entries of one stream: the newer protocol of Redis wraps them in one more list."""
    return entries[0] if entries and isinstance(entries[0], list) else entries


def _event(event_id: str, fields: Mapping[str, str]) -> Event:
    data = json.loads(fields["data"]) if "data" in fields else {}
    for name in ("worker", "at"):
        if name in fields:
            data[name] = fields[name]
    if "reason" in fields:
        data["reason"] = json.loads(fields["reason"])
    return Event(event_id, fields["type"], int(fields["attempt"]), data)
