"""The workers that are there: each announces itself for as long as it renews its word."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from fitq_shared.queues import DeviceKind, Needs, needs_served_by
from fitq_shared.redis_link import Redis
from fitq_shared.schema import SCHEMA_VERSION

WORKERS = "fitq:workers"
DRAIN_ORDER_SECONDS = 24 * 60 * 60

DrainMode = Literal["now", "after-job"]


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker says of itself.

    `state` is "waiting" while what it asks for belongs to others, "starting" until its child has
    Keras, then "ready" or, once it has been told to leave, "draining". `since` is in seconds
    since the epoch, by Redis's clock. `schema` is the version of the jobs that it takes.

    `devices` is the number of its GPUs, or 1 for a set of cores; `share` how much of each it
    holds, and `memory` how many bytes of each GPU are its own, None for a CPU. `waits_for` says
    whom a waiting worker waits for. `allows_code` says whether it runs code of users' own,
    `optuna` whether it can conduct sweeps whose values Optuna chooses.
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
    schema: int = SCHEMA_VERSION
    devices: int = 1
    share: float = 1.0
    memory: int | None = None
    waits_for: str = ""
    allows_code: bool = False
    optuna: bool = True

    @property
    def takes_jobs(self) -> bool:
        """Whether it holds a device, and has not been told to leave."""
        return self.state not in ("waiting", "draining")

    def serves(self, needs: Needs, schema: int) -> bool:
        """Whether jobs with these needs, in this version, can run here."""
        return schema == self.schema and self.meets(needs.name)

    def meets(self, need: str) -> bool:
        """Whether it takes jobs of this version with this need."""
        met = needs_served_by(self.device, self.memory, self.devices, code=self.allows_code)
        return need in met

    @classmethod
    def from_text(cls, text: str) -> WorkerInfo:
        """Read an announcement. What a newer worker says beyond this is left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in json.loads(text).items() if name in known})


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
        pipe.delete(worker_key(token), _drain_key(token))
        pipe.srem(WORKERS, token)
        pipe.execute()


def list_workers(redis: Redis) -> list[WorkerInfo]:
    """The workers whose word still stands, by name. Forgets the others."""
    tokens: list[Any] = sorted(redis.smembers(WORKERS))
    if not tokens:
        return []
    texts: list[Any] = redis.mget([worker_key(token) for token in tokens])
    gone = [token for token, text in zip(tokens, texts, strict=True) if text is None]
    if gone:
        redis.srem(WORKERS, *gone)
    found = [WorkerInfo.from_text(text) for text in texts if text is not None]
    return sorted(found, key=lambda info: (info.name, info.since))


def ask_to_drain(redis: Redis, info: WorkerInfo, mode: DrainMode) -> None:
    """Tell a worker to leave: now, giving its job back, or once that job has ended."""
    redis.set(_drain_key(info.token), mode, ex=DRAIN_ORDER_SECONDS)


def drain_order(redis: Redis, token: str) -> DrainMode | None:
    """What a worker was told, if it was told to leave."""
    order: Any = redis.get(_drain_key(token))
    return order if order in ("now", "after-job") else None


def _drain_key(token: str) -> str:
    return f"fitq:drain:{token}"
