"""What only a real GPU shows: that a process works on the one it claimed, and how much it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fitq.queue import Queue
from fitq_shared.settings import Settings
from fitq_worker.devices.demands import Wishes, find_demand
from fitq_worker.devices.device import Device
from support.jobs import training
from support.worker import Worker

SCRIPT = Path(__file__).with_name("train_small.py")
# A CUDA context alone takes some hundred MiB; a small model hardly more.
LITTLE = 4 * 2**30


def train_on(gpu: Device, backend: str, limit: int = 0) -> dict[str, Any]:
    """Train in a process that sees this GPU only, as a worker's does."""
    demand = find_demand(Wishes(device="gpu"), "here")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), backend, str(limit)],
        env={**os.environ, **demand.holding([gpu]).environment},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_process_works_on_the_gpu_that_its_worker_claimed(gpu: Device, backend: str) -> None:
    # Given a process that was given one GPU by its UUID, When it trains
    told = train_on(gpu, backend)
    # Then it sees one, and that one is in use
    assert told["seen"] == 1
    assert told["losses"][-1] < told["losses"][0]
    assert max(told["grown"], key=told["grown"].get) == gpu.uuid
    assert told["grown"][gpu.uuid] > 100 * 2**20


def test_it_takes_the_memory_that_it_needs(gpu: Device, backend: str) -> None:
    assert gpu.memory is not None
    assert train_on(gpu, backend)["grown"][gpu.uuid] < min(LITTLE, gpu.memory // 2)


def test_a_share_of_a_gpu_is_a_limit_of_its_memory(gpu: Device, backend: str) -> None:
    if backend != "tensorflow":
        pytest.skip("the limit is TensorFlow's")
    assert gpu.memory is not None
    limit = gpu.memory // 4
    grown = train_on(gpu, backend, limit)["grown"][gpu.uuid]
    assert limit * 0.9 < grown < limit + LITTLE


def test_a_job_runs_on_a_gpu(
    gpu: Device, backend: str, settings: Settings, start_worker: Callable[..., Worker]
) -> None:
    if backend != "tensorflow":
        pytest.skip("workers need TensorFlow's GPU build")
    # Given a worker on this GPU
    worker = start_worker(
        lease_seconds=15.0, arguments=("--device", "gpu"), CUDA_VISIBLE_DEVICES=gpu.uuid
    ).wait_until_ready()
    assert worker.info is not None
    assert (worker.info.device, worker.info.memory) == ("gpu", gpu.memory)
    # When a training is submitted
    client = Queue(settings)
    record = client.wait(client.submit(training(client, epochs=3, device="gpu")), 250)
    # Then it has run there
    assert record.state == "succeeded"
    assert record.device_name is not None
    assert record.device_name.startswith(gpu.name)
    environment = json.loads(client.artifacts.folder(record).read("environment.json"))
    assert environment["device"]["kind"] == "gpu"
    assert "cuda" in environment["packages"]
