"""A host with GPUs that only a file tells of, and the workers on it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from fitq_shared.lease import holders
from fitq_shared.redis_link import Redis, open_redis
from fitq_shared.settings import Settings
from fitq_shared.workers import WorkerInfo, list_workers
from support import fake_nvml
from support.fake_nvml.fake_nvml import describe
from support.proxy import Proxy
from support.worker import Worker

FAKE = Path(fake_nvml.__path__[0])


@dataclass
class Place:
    """One worker and its way to Redis, which can be cut."""

    worker: Worker
    proxy: Proxy
    stopped: bool = False

    @property
    def pid(self) -> int:
        """The worker's process."""
        return self.worker.process.pid

    def pause(self) -> None:
        """SIGSTOP."""
        self.stopped = True
        psutil.Process(self.pid).suspend()

    def resume(self) -> None:
        """SIGCONT."""
        psutil.Process(self.pid).resume()
        self.stopped = False

    def kill(self) -> None:
        """SIGKILL."""
        self.worker.process.kill()
        self.worker.process.wait(timeout=20)

    def end(self) -> None:
        """End what is left."""
        if self.stopped:
            self.resume()
        self.worker.stop()
        self.proxy.stop()


class GpuHost:
    """Starts workers that see the same GPUs.

    Args:
        settings: with the real Redis; each worker reaches it through a proxy of its own.
        gpus: how many there are.
        celery: whether the workers run jobs; else they only hold what they have claimed.
    """

    def __init__(
        self, settings: Settings, redis_port: int, folder: Path, gpus: int, *, celery: bool = False
    ) -> None:
        self.places: list[Place] = []
        self.file = folder / "gpus.json"
        self.file.write_text(describe(gpus))
        self.devices = [f"gpu:GPU-{number:04d}-aaaa" for number in range(gpus)]
        self._settings = settings
        self._redis_port = redis_port
        self._redis: Redis = open_redis(settings)
        self._folder = folder
        self._celery = celery

    def start(self, *arguments: str) -> Place:
        """Start a worker."""
        proxy = Proxy(self._redis_port)
        settings = replace(self._settings, redis_url=f"redis://127.0.0.1:{proxy.port}/0")
        environment = {
            "PYTHONPATH": os.pathsep.join([str(FAKE), os.environ.get("PYTHONPATH", "")]),
            "FAKE_NVML": str(self.file),
            "CUDA_VISIBLE_DEVICES": ",".join(map(str, range(len(self.devices)))),
        }
        if not self._celery:
            environment["FAKE_CELERY"] = "1"
        arguments = ("--device", "gpu", *arguments)
        worker = Worker(settings, self._folder, None, arguments, **environment)
        self.places.append(Place(worker, proxy))
        return self.places[-1]

    def put_on_gpu(self, processes: Mapping[str, Mapping[int, int]]) -> None:
        """Let NVML show these processes, such as {"gpu0": {4242: bytes}}, and no others."""
        text = describe(len(self.devices), **{gpu: dict(by) for gpu, by in processes.items()})
        new = self.file.with_suffix(".new")
        new.write_text(text)
        new.replace(self.file)

    def workers(self) -> dict[int, WorkerInfo]:
        """What each worker announces, by its process."""
        return {info.pid: info for info in list_workers(self._redis)}

    def held(self) -> dict[str, Place]:
        """The devices that a worker holds which could work, and which one that is."""
        by_token = {info.token: info.pid for info in self.workers().values()}
        able = {place.pid: place for place in self.places if self._able(place)}
        found = {}
        for device, tokens in holders(self._redis, self.devices).items():
            pids = [by_token.get(token) for token in tokens]
            if len(pids) == 1 and pids[0] in able:
                found[device] = able[pids[0]]
        return found

    def all_held(self) -> bool:
        """Whether each GPU has a worker that could work."""
        return len(self.held()) == len(self.devices)

    def waiting(self) -> list[WorkerInfo]:
        """The workers that wait."""
        return [info for info in self.workers().values() if info.state == "waiting"]

    def end(self, places: Iterable[Place] | None = None) -> None:
        """End these workers, or all."""
        for place in list(self.places if places is None else places):
            place.end()
            self.places.remove(place)

    def _able(self, place: Place) -> bool:
        return place.worker.process.poll() is None and not place.stopped and place.proxy.accepts()
