"""All that a storm breaks: Redis, the volume, three workers and the client, with their proxies."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fitq.queue import Queue
from fitq_shared.redis_link import Redis
from fitq_shared.settings import Settings
from storm.member import Member
from storm.onlooker import connect
from support.proxy import Proxy
from support.redis_server import RedisServer
from support.volume import Volume
from support.waiting import wait_until

LEASE_SECONDS = 5.0
LOSS_LIMIT = "1000"
PLANTS = Path(__file__).parent / "plants"


@dataclass
class Rig:
    """The services of one storm.

    Attributes:
        settings: with the real Redis, and the volume.
        client: goes through a proxy of its own.
        redis: a direct and patient connection, for what looks on.
        references: the names of the specs that its jobs are of.
        process_groups: those of all workers that have left for good.
        falls: how those left that did not leave well.
        redis_lock, volume_lock: who holds one may break that.
    """

    folder: Path
    server: RedisServer
    volume: Volume
    settings: Settings
    client_proxy: Proxy
    client: Queue
    redis: Redis
    references: Sequence[str]
    members: list[Member] = field(default_factory=list)
    process_groups: set[int] = field(default_factory=set)
    falls: list[str] = field(default_factory=list)
    redis_lock: threading.Lock = field(default_factory=threading.Lock)
    volume_lock: threading.Lock = field(default_factory=threading.Lock)

    def attempt_folder(self, job_id: str, attempt: int) -> Path:
        """Where an attempt writes."""
        return self.volume.folder / "jobs" / job_id / f"attempt-{attempt}"

    def start_workers(self, core_sets: Sequence[str], plant: str | None = None) -> None:
        """Start one worker on each set of cores, and wait until all are ready."""
        environment = {"FITQ_LOSS_LIMIT": LOSS_LIMIT}
        if plant:
            others = os.environ.get("PYTHONPATH", "")
            environment["PYTHONPATH"] = os.pathsep.join([str(PLANTS / plant), str(PLANTS), others])
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        started = [
            Member(self.settings, logs, cores, self.server.port, environment) for cores in core_sets
        ]
        self.members += started
        for member in started:
            wait_until(member.ready, 180, f"a worker that is ready (see {member.worker.log})")

    def stop_workers(self) -> None:
        """Drain all workers, and forget their places."""
        threads = [threading.Thread(target=member.stop) for member in self.members]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.process_groups |= {pid for member in self.members for pid in member.started}
        self.falls += [fall for member in self.members for fall in member.falls]
        self.members.clear()


@contextlib.contextmanager
def standing(
    folder: Path, volume_mib: int, datasets: Path, references: Sequence[str]
) -> Iterator[Rig]:
    """A rig without workers. Everything ends with the context; the logs stay in the folder.

    Args:
        datasets: the folder of cached data sets; it is outside of the volume that gets full.
    """
    with contextlib.ExitStack() as ending:
        volume = Volume(folder / "volume", volume_mib)
        ending.callback(volume.unmount)
        datasets.mkdir(parents=True, exist_ok=True)
        (volume.folder / "datasets").symlink_to(datasets.resolve())
        (folder / "redis").mkdir()
        server = RedisServer(folder / "redis")
        ending.callback(server.stop)
        settings = replace(
            server.settings,
            store_url=str(volume.folder),
            owner="storm",
            lease_seconds=LEASE_SECONDS,
        )
        client_proxy = Proxy(server.port)
        ending.callback(client_proxy.stop)
        by_proxy = replace(settings, redis_url=f"redis://127.0.0.1:{client_proxy.port}/0")
        rig = Rig(
            folder=folder,
            server=server,
            volume=volume,
            settings=settings,
            client_proxy=client_proxy,
            client=Queue(by_proxy),
            redis=connect(settings),
            references=references,
        )
        ending.callback(rig.stop_workers)
        yield rig


def forget(rig: Rig, job_id: str) -> None:
    """Remove the folder of a job that was audited, so that the volume has room for others."""
    shutil.rmtree(rig.volume.folder / "jobs" / job_id, ignore_errors=True)
