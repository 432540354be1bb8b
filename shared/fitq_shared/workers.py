"""The workers that are there: each announces itself for as long as it renews its word."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from fitq_shared.queues import DeviceKind, DeviceNeed
from fitq_shared.redis_link import Redis

WORKERS = "fitq:workers"


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker says of itself.

    `state` is "waiting" while its device belongs to another, "starting" until its child has
    Keras, then "ready". `since` is in
    seconds since the epoch, by Redis's clock.
    """

    token: str
    name: str
    host: str
    pid: int
    device: DeviceKind
    device_name: str
    state: str
    version: str
    since: float

    def serves(self, need: DeviceNeed) -> bool:
        """Whether a job with this need can run here."""
        return need in ("any", self.device)


def worker_key(token: str) -> str:
    """The key of one worker's announcement."""
    return f"fitq:worker:{token}"


def announce(redis: Redis, info: WorkerInfo, seconds: float) -> None:
    """Say that this worker is there for the next seconds."""
    with redis.pipeline() as pipe:
        pipe.set(worker_key(info.token), json.dumps(asdict(info)), px=int(seconds * 1000))
        pipe.sadd(WORKERS, info.token)
        pipe.execute()


def withdraw(redis: Redis, token: str) -> None:
    """Say that this worker has left."""
    with redis.pipeline() as pipe:
        pipe.delete(worker_key(token))
        pipe.srem(WORKERS, token)
        pipe.execute()


def list_workers(redis: Redis) -> list[WorkerInfo]:
    """The workers whose word still stands, by name. Forgets the others."""
    tokens: list[Any] = sorted(redis.smembers(WORKERS))
    if not tokens:
        return []
    texts = redis.mget([worker_key(token) for token in tokens])
    gone = [token for token, text in zip(tokens, texts, strict=True) if text is None]
    if gone:
        redis.srem(WORKERS, *gone)
    found = [WorkerInfo(**json.loads(text)) for text in texts if text is not None]
    return sorted(found, key=lambda info: (info.name, info.since))
