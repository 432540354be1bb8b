"""Who a worker is: decided by `fitq-worker` before Celery starts, and handed on to it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass

from fitq_shared.queues import DeviceKind
from fitq_shared.workers import WorkerInfo
from fitq_worker import __version__

VARIABLE = "FITQ_WORKER_IDENTITY"


@dataclass(frozen=True)
class Identity:
    """One worker process and the one device that it holds.

    `resource` is what its lease is on; `token` tells this process from any other that ever
    holds the same device; `threads` is how many cores Keras may use.
    """

    token: str
    name: str
    host: str
    device: DeviceKind
    device_name: str
    resource: str
    threads: int

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
        return cls(**json.loads(text))

    def info(self, state: str, since: float) -> WorkerInfo:
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
        )
