"""The keeper of a lease, in a process of its own, which it tells to leave by a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fitq_shared.lease import Lease, device_key
from fitq_shared.redis_link import Redis
from fitq_shared.settings import Settings
from fitq_shared.workers import list_workers
from fitq_worker.identity import Identity
from support.redis_server import free_port
from support.waiting import wait_until

SCRIPT = """
import json, logging, signal, sys
from fitq_shared.settings import Settings
from fitq_worker import flags, keeper
from fitq_worker.identity import Identity

logging.basicConfig()
keeper.CUT_OFF_TERMS = 1
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
kept = keeper.Keeper(Settings.load(), Identity.from_environment())
kept.start()
signal.sigwait({signal.SIGTERM})
print(json.dumps({"cut off": flags.cut_off(), "exit code": kept.exit_code}))
kept.stop()
"""

GPU = "gpu:GPU-1"


class Kept:
    """A process with a keeper."""

    def __init__(self, identity: Identity, redis_url: str, folder: Path) -> None:
        self.log = folder / "keeper.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SCRIPT],
                env={
                    **os.environ,
                    **identity.to_environment(),
                    "FITQ_REDIS_URL": redis_url,
                    "FITQ_LEASE_SECONDS": "1",
                },
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def told(self) -> dict[str, object]:
        """What it found when it was told to leave."""
        said, _ = self.process.communicate(timeout=60)
        return dict(json.loads(said))

    def failures(self) -> int:
        """How often it could not renew."""
        return self.log.read_text().count("cannot renew the lease")


@pytest.fixture
def mine(identity: Identity) -> Identity:
    return replace(identity, token="mine", resource="worker:mine", device="gpu", devices=(GPU,))


@pytest.fixture
def start(mine: Identity, settings: Settings, tmp_path: Path) -> Iterator[Callable[..., Kept]]:
    started: list[Kept] = []

    def run(redis_url: str | None = None) -> Kept:
        started.append(Kept(mine, redis_url or settings.redis_url, tmp_path))
        return started[-1]

    yield run
    for kept in started:
        kept.process.kill()
        kept.process.wait(timeout=20)


def test_it_keeps_the_devices_and_lets_go_of_them_at_the_end(
    start: Callable[..., Kept], redis: Redis, mine: Identity
) -> None:
    # Given a keeper that has renewed its lease
    kept = start()
    wait_until(lambda: list_workers(redis), 30, "its announcement")
    first = redis.hget(device_key(GPU), "mine")
    wait_until(lambda: redis.hget(device_key(GPU), "mine") != first, 30, "a renewal")
    assert redis.get(mine.lease(redis, 1).key) == "mine"
    # When it ends, Then all is free at once
    kept.process.send_signal(signal.SIGTERM)
    assert kept.told() == {"cut off": False, "exit code": 0}
    kept.process.wait(timeout=20)
    assert redis.keys("fitq:*") in ([], ["fitq:workers"])


def test_a_device_that_has_become_another_s_is_left(
    start: Callable[..., Kept], redis: Redis
) -> None:
    # Given a device that another has taken meanwhile
    assert Lease(redis, "worker:theirs", "theirs", 600, [GPU]).acquire()
    # When the keeper renews, Then the worker is told to leave, as after an error
    assert start().told() == {"cut off": False, "exit code": 1}
    assert redis.hkeys(device_key(GPU)) == ["theirs"]


def test_without_contact_for_very_long_the_worker_leaves(start: Callable[..., Kept]) -> None:
    kept = start(f"redis://127.0.0.1:{free_port()}/0")
    assert kept.told() == {"cut off": True, "exit code": 3}
    assert kept.failures() > 1


def test_a_full_redis_is_contact(start: Callable[..., Kept], redis: Redis) -> None:
    # Given a Redis that takes no writes: then nobody else can claim the device
    redis.config_set("maxmemory", "1")
    try:
        kept = start()
        wait_until(lambda: kept.failures() > 6, 60, "more failures than a term has room for")
    finally:
        redis.config_set("maxmemory", "0")
    # Then the worker goes on
    kept.process.send_signal(signal.SIGTERM)
    assert kept.told() == {"cut off": False, "exit code": 0}
