"""Keeps every event of every job while the storm goes on, since streams expire soon after."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from fitq_shared.events import ENDINGS, events_key
from fitq_shared.record_keys import JOBS
from fitq_shared.redis_link import Redis

PERIOD_SECONDS = 0.25
STREAMS_IN_ONE_CALL = 200


@dataclass(frozen=True)
class Happening:
    """One event of a job's stream. `at` is in seconds since the epoch, by Redis's clock."""

    type: str
    attempt: int
    at: float
    worker: str | None = None
    reason: str | None = None


class Watcher:
    """A thread that tails the streams of all jobs. An outage of Redis does not end it."""

    def __init__(self, connection: Redis) -> None:
        self._redis = connection
        self._found: dict[str, list[Happening]] = {}
        self._last: dict[str, str] = {}
        self._looks = 0
        self._lock = threading.Lock()
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Look a last time, and end."""
        self._leave.set()
        self._thread.join(timeout=60)

    def wait_for_a_look(self) -> None:
        """Return when it has looked at everything that was there before this call."""
        looks = self._looks
        while self._looks < looks + 2 and self._thread.is_alive():
            time.sleep(PERIOD_SECONDS / 4)

    def jobs(self) -> list[str]:
        """The ids of all jobs that were ever seen, oldest first."""
        with self._lock:
            return list(self._found)

    def of(self, job_id: str) -> list[Happening]:
        """What has happened to a job, in order."""
        with self._lock:
            return list(self._found.get(job_id, []))

    def ended(self, job_id: str) -> bool:
        """Whether an event has said that the job ended."""
        return any(event.type in ENDINGS for event in self.of(job_id))

    def newest(self) -> float:
        """When something last happened to any job, apart from its being queued."""
        with self._lock:
            times = (
                event.at
                for events in self._found.values()
                for event in events[-1:]
                if event.type != "queued"
            )
            return max(times, default=0.0)

    def _run(self) -> None:
        left = False
        while not left:
            left = self._leave.wait(PERIOD_SECONDS)
            try:
                self._look()
            except redis.RedisError:
                continue
            self._looks += 1

    def _look(self) -> None:
        jobs: Any = self._redis.zrange(JOBS, 0, -1)
        for job_id in jobs:
            self._last.setdefault(job_id, "0")
        with self._lock:
            for job_id in jobs:
                self._found.setdefault(job_id, [])
        ids = list(self._last)
        for start in range(0, len(ids), STREAMS_IN_ONE_CALL):
            part = ids[start : start + STREAMS_IN_ONE_CALL]
            with self._redis.pipeline(transaction=False) as pipe:
                for job_id in part:
                    pipe.xrange(events_key(job_id), min=f"({self._last[job_id]}")
                answers = pipe.execute()
            for job_id, entries in zip(part, answers, strict=True):
                self._keep(job_id, entries)

    def _keep(self, job_id: str, entries: list[tuple[str, Mapping[str, str]]]) -> None:
        for event_id, fields in entries:
            event = _happening(event_id, fields)
            with self._lock:
                self._found[job_id].append(event)
            self._last[job_id] = event_id


def _happening(event_id: str, fields: Mapping[str, str]) -> Happening:
    reason = json.loads(fields["reason"])["kind"] if "reason" in fields else None
    milliseconds = float(event_id.partition("-")[0])
    return Happening(
        type=fields["type"],
        attempt=int(fields["attempt"]),
        at=float(fields.get("at", milliseconds / 1000)),
        worker=fields.get("worker"),
        reason=reason,
    )
