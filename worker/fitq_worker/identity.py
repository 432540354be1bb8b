"""Who a worker is: decided by `fitq-worker` before Celery starts, and handed on to it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass

from fitq_shared.lease import Lease
from fitq_shared.queues import DeviceKind
from fitq_shared.redis_link import Redis
from fitq_shared.workers import WorkerInfo
from fitq_worker import __version__
from fitq_worker.sweeps.suggesting import has_optuna

VARIABLE = "FITQ_WORKER_IDENTITY"


@dataclass(frozen=True)
class Identity:
    """One worker process and what it holds.

    Attributes:
        token: tells this process from any other that ever holds the same devices.
        resource: the name of its lease; `devices` are what that holds besides, `share` of each.
        threads: how many cores Keras may use.
        units: how many GPUs it works on at once; 1 for a set of cores.
        memory: how many bytes of each GPU are its own; None for a CPU.
        allows_code: whether it runs code of users' own.
    """

    token: str
    name: str
    host: str
    device: DeviceKind
    device_name: str
    resource: str
    threads: int
    devices: tuple[str, ...] = ()
    units: int = 1
    share: float = 1.0
    memory: int | None = None
    allows_code: bool = False

    @property
    def memory_limit(self) -> int | None:
        """How many bytes of each GPU it must not go beyond, since another has the rest."""
        return self.memory if self.share < 1 else None

    def lease(self, redis: Redis, seconds: float) -> Lease:
        """Its lease."""
        return Lease(redis, self.resource, self.token, seconds, self.devices, self.share)

    def to_environment(self) -> dict[str, str]:
        """The environment variable that hands the identity to the Celery process."""
        return {VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def from_environment(cls) -> Identity:
        """The identity that `fitq-worker` handed on.

        Raises:
            RuntimeError: Celery was started by something else.
        """
        text = os.environ.get(VARIABLE)
        if text is None:
            raise RuntimeError("start workers with `fitq-worker`, which claims a device first")
        said = json.loads(text)
        return cls(**{**said, "devices": tuple(said["devices"])})

    def info(self, state: str, since: float, waits_for: str = "") -> WorkerInfo:
        """What this process announces of itself."""
        return WorkerInfo(
            token=self.token,
            name=self.name,
            host=self.host,
            pid=os.getpid(),
            device=self.device,
            device_name=self.device_name,
            state=state,
            version=__version__,
            since=since,
            devices=self.units,
            share=self.share,
            memory=self.memory,
            waits_for=waits_for,
            allows_code=self.allows_code,
            optuna=has_optuna(),
        )
