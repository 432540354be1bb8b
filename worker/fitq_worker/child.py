"""The child's side of a worker: the one process that imports Keras, once, and keeps it warm."""

from __future__ import annotations

import logging
import os
import signal
from typing import TYPE_CHECKING, Any

from celery import signals

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.settings import Settings
    from fitq_worker.identity import Identity

log = logging.getLogger(__name__)

# Repeated `fit` in one process leaks memory that `clear_session` does not give back.
JOBS_PER_CHILD = 100
# The exit code of a child that cannot record how its attempt ended.
CHILD_CANNOT_GO_ON = 70


def check_gpus(identity: Identity, seen: int) -> None:
    """See that Keras can use the worker's GPUs: else jobs would run on the CPU, unnoticed.

    Raises:
        RuntimeError: it says what to install.
    """
    claimed = identity.units if identity.device == "gpu" else 0
    if seen < claimed:
        raise RuntimeError(
            f"TensorFlow sees {seen} of the {claimed} GPUs of this worker: "
            "pip install 'fitq-worker[gpu]', and check the NVIDIA driver"
        )


def connect(app: Celery, settings: Settings, identity: Identity) -> None:
    """Prepare each new child before it takes its first job."""

    def begin(**_: Any) -> None:
        # Celery only logs what a receiver raises, and would let this child take jobs.
        try:
            from fitq_worker import attempt_run, backend, flags

            backend.prepare(identity.device, identity.threads, identity.memory_limit)
            check_gpus(identity, backend.gpus())
            attempt_run.prepare(app, settings, identity)
        except Exception:
            log.exception("the child cannot start: the worker leaves")
            os.kill(os.getppid(), signal.SIGTERM)
            return
        flags.set_warm()
        log.info("Keras is ready on %s", identity.device_name)

    signals.worker_process_init.connect(begin, weak=False)
