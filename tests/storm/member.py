"""One place in the fleet: a set of cores, a proxy to Redis, and the worker that is there now."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from fitq_shared.errors import QueueUnreachable
from fitq_shared.record_keys import RUNNING, job_key
from fitq_shared.redis_link import Redis
from fitq_shared.settings import Settings
from storm.onlooker import connect
from support.proxy import Proxy
from support.worker import READY, Worker


@dataclass(frozen=True)
class Hit:
    """The attempt that a fault met."""

    job: str
    attempt: int


class Member:
    """A worker that is started again and again on the same cores, with one thread.

    Args:
        settings: with the real Redis, which this class asks directly.
        environment: for the worker's processes.
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        cores: str,
        redis_port: int,
        environment: dict[str, str],
    ) -> None:
        self.cores = cores
        self.proxy = Proxy(redis_port)
        self.lock = threading.Lock()
        self.redis: Redis = connect(settings)
        self.started: list[int] = []
        self.falls: list[str] = []
        self._settings = replace(settings, redis_url=f"redis://127.0.0.1:{self.proxy.port}/0")
        self._folder = folder
        self._environment = environment
        self.worker = self.start()

    @property
    def name(self) -> str:
        """What its worker calls itself, without the host."""
        return f"cpu{self.cores}"

    def start(self) -> Worker:
        """Start a worker in this place."""
        self.worker = Worker(
            self._settings,
            self._folder,
            self.cores,
            arguments=("--threads", "1"),
            # A host of its own, since the sets of cores may overlap.
            FITQ_HOST=f"place-{self.cores.replace(',', '.')}",
            **self._environment,
        )
        self.started.append(self.worker.process.pid)
        return self.worker

    def raise_the_fallen(self) -> None:
        """Start a worker anew that ended though nobody told it to, and note that it did.

        One that finds no Redis when it starts is to end and say so; whatever started it tries
        again.
        """
        code = self.worker.process.poll()
        if code is None:
            return
        self._note_the_fall(code)
        self.start()

    def _note_the_fall(self, code: int) -> None:
        if code != QueueUnreachable.exit_code or READY in self.worker.text():
            self.falls.append(f"{self.describe()} ended by itself with code {code}")

    def describe(self) -> str:
        """The worker that is there now, for a finding."""
        return f"the worker {self.name} ({self.worker.log.name})"

    def ready(self) -> bool:
        """Whether its child has had Keras, and both processes live."""
        return READY in self.worker.text() and self.child() is not None

    def child(self) -> psutil.Process | None:
        """The child that runs the jobs, if there is one now."""
        try:
            children = psutil.Process(self.worker.process.pid).children()
        except psutil.NoSuchProcess:
            return None
        return children[0] if children else None

    def processes(self) -> list[psutil.Process]:
        """Parent and child, as far as they live."""
        found = []
        if self.worker.process.poll() is None:
            found.append(psutil.Process(self.worker.process.pid))
        child = self.child()
        return [*found, child] if child else found

    def running(self) -> Hit | None:
        """The attempt that the record gives to this worker now."""
        for job_id in self.redis.zrange(RUNNING, 0, -1):
            worker, attempt = self.redis.hmget(job_key(job_id), ["worker", "attempt"])
            if worker and attempt and str(worker).partition("@")[0] == self.name:
                return Hit(str(job_id), int(attempt))
        return None

    def wait_for_job(self, seconds: float = 30.0) -> Hit | None:
        """The attempt that this worker runs, as soon as it runs one; None when that fails."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.worker.process.poll() is None and (hit := self.running()) and self.child():
                return hit
            time.sleep(0.05)
        return None

    def kill_parent(self) -> tuple[int, int | None]:
        """SIGKILL to the parent, whose child must go with it. Returns both process ids."""
        child = self.child()
        pid = self.worker.process.pid
        self.worker.process.kill()
        self.worker.process.wait(timeout=20)
        if child is not None:
            psutil.wait_procs([child], timeout=10)
        return pid, child.pid if child else None

    def stop(self, patience_seconds: float = 30.0) -> None:
        """Drain the worker, and end the proxy. One that does not leave well has fallen."""
        for process in self.processes():
            process.resume()
        code, was_ready = self.worker.process.poll(), self.ready()
        if code is not None:
            self._note_the_fall(code)
        elif (left := self.worker.stop(patience_seconds)) is None:
            self.falls.append(f"{self.describe()} did not leave when it was told to")
        elif left != 0 and was_ready:
            self.falls.append(f"{self.describe()} left with code {left}")
        self.proxy.stop()


def gone(pid: int) -> bool:
    """Whether this process is no more; one that is dead but not yet reaped is."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
