"""Real processes of `fitq-worker` that claim cores, and only hold them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from fitq_shared.redis_link import Redis
from fitq_shared.workers import WorkerInfo, ask_to_drain
from support import fake_nvml
from support.waiting import wait_until
from support.worker import Worker

Start = Callable[..., Worker]
CORE = str(min(os.sched_getaffinity(0)))


@pytest.fixture
def start(start_worker: Callable[..., Worker], tmp_path: Path) -> Start:
    """Start a worker on one core, on a host without a GPU."""

    def run(*arguments: str, **environment: str) -> Worker:
        others = os.environ.get("PYTHONPATH", "")
        path = os.pathsep.join([*fake_nvml.__path__, others])
        variables = {"PYTHONPATH": path, "FAKE_NVML": str(tmp_path / "none"), "FAKE_CELERY": "1"}
        return start_worker(CORE, arguments=arguments, **{**variables, **environment})

    return run


def state(worker: Worker, expected: str) -> WorkerInfo:
    """What the worker announces, as soon as this is its state."""
    info = wait_until(
        lambda: (info := worker.info) and info.state == expected and info, 60, f"it is {expected}"
    )
    assert info is not None
    return info


def test_two_workers_share_a_core_and_a_third_waits(start: Start) -> None:
    # Given two workers with half of a core each
    workers = [start("--core-share", "0.5") for _ in range(2)]
    infos = [state(worker, "ready") for worker in workers]
    # Then both hold it, under names of their own
    assert len({info.name for info in infos}) == 2
    for info in infos:
        assert info.name.startswith(f"cpu{CORE}.")
        assert info.device_name == f"CPU, 1 core ({CORE}), a share of 0.5"
        assert (info.share, info.devices, info.memory) == (0.5, 1, None)
    # And a third one waits, for both of them, until one has gone
    third = start("--core-share", "0.5")
    waits_for = state(third, "waiting").waits_for
    assert waits_for.startswith("held by ")
    assert all(info.name in waits_for for info in infos)
    os.kill(workers[0].process.pid, signal.SIGKILL)
    state(third, "ready")


def test_workers_of_another_host_do_not_count(start: Start) -> None:
    first = start(FITQ_HOST="node-1")
    assert state(first, "ready").name == f"cpu{CORE}@node-1"
    assert state(start(FITQ_HOST="node-2"), "ready").name == f"cpu{CORE}@node-2"
    assert state(start(FITQ_HOST="node-1"), "waiting").waits_for == f"held by cpu{CORE}@node-1"


@pytest.mark.parametrize("order", ["signal", "drain"])
def test_one_that_waits_leaves_when_it_is_told_to(start: Start, redis: Redis, order: str) -> None:
    # Given a worker that waits
    first, second = start(), start()
    wait_until(lambda: first.info and second.info, 60, "two workers")
    waiting, holding = sorted(
        (first, second), key=lambda one: one.info is None or one.info.state != "waiting"
    )
    info = state(waiting, "waiting")
    # When it is told to leave
    if order == "signal":
        waiting.process.terminate()
    else:
        ask_to_drain(redis, info, "now")
    # Then it does so at once, and is forgotten, and the other one stays
    assert waiting.process.wait(timeout=20) == (130 if order == "signal" else 0)
    assert waiting.info is None
    assert state(holding, "ready")


def test_one_that_was_drained_lets_go_of_its_core_at_once(start: Start) -> None:
    first = start(FITQ_LEASE_SECONDS="600")
    state(first, "ready")
    first.stop()
    state(start(), "ready")
