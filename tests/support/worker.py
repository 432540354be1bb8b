"""A real `fitq-worker`, with its Celery parent and its child that has Keras."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from fitq_shared.redis_link import open_redis
from fitq_shared.settings import Settings
from fitq_shared.workers import WorkerInfo, list_workers
from support.waiting import wait_until

READY = "Keras is ready"


class Worker:
    """One worker on a set of CPU cores. Its log is kept in `log`."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        cores: str | None = None,
        arguments: Sequence[str] = (),
        **environment: str,
    ) -> None:
        self._settings = settings
        self.log = folder / f"worker-{cores or 'all'}-{os.urandom(3).hex()}.log"
        command = [str(Path(sys.executable).parent / "fitq-worker"), "--device", "cpu"]
        command += ["--cores", cores] if cores else []
        command += arguments
        variables = {
            **os.environ,
            "FITQ_REDIS_URL": settings.redis_url,
            "FITQ_STORE": settings.store_url or "",
            "FITQ_LEASE_SECONDS": str(settings.lease_seconds),
            "FITQ_CACHE": str(folder / "cache"),
            **environment,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=variables, start_new_session=True
            )

    @property
    def info(self) -> WorkerInfo | None:
        """What the worker announces of itself, once it does."""
        workers = list_workers(open_redis(self._settings))
        return next((worker for worker in workers if worker.pid == self.process.pid), None)

    def wait_until_ready(self) -> Worker:
        """Wait until the child has Keras."""
        wait_until(self._ready, 120, f"a worker that is ready (see {self.log})")
        return self

    def text(self) -> str:
        """The log so far."""
        return self.log.read_text(errors="replace")

    def child(self) -> psutil.Process:
        """The child that runs the jobs."""
        children = wait_until(
            lambda: psutil.Process(self.process.pid).children(), 60, "a child of the worker"
        )
        return children[0]

    def stop(self, patience_seconds: float = 30.0) -> int | None:
        """SIGTERM to the parent, as `docker stop` does; SIGKILL to what is left.

        Returns:
            The exit code with which it left, or None when it had to be killed.
        """
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=patience_seconds)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(timeout=10)
                return None
        return self.process.returncode

    def _ready(self) -> bool:
        assert self.process.poll() is None, f"the worker ended:\n{self.text()[-3000:]}"
        return READY in self.text() and self.info is not None
