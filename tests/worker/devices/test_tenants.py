"""Who is on a GPU: workers that share it, and others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from fitq_worker.devices.gpus import find_gpus
from fitq_worker.devices.tenants import Tenant, foreign_tenants
from fitq_worker.identity import Identity
from support.fake_nvml.fake_nvml import FakeNvml, describe

# A process id that no process has: the kernel's are smaller.
UNSEEN = 2**30


@pytest.fixture
def process() -> Iterator[Callable[..., int]]:
    """Start a process that does nothing, with these variables; its id."""
    started: list[subprocess.Popen[bytes]] = []

    def start(**environment: str) -> int:
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", "print(flush=True); input()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **environment},
            )
        )
        stdout = started[-1].stdout
        assert stdout is not None
        stdout.readline()
        return started[-1].pid

    yield start
    for one in started:
        one.communicate(b"\n", timeout=20)


def on_the_gpu(nvml: FakeNvml, sharers: set[str], *pids: int) -> list[Tenant]:
    """The foreign ones among these processes on a GPU."""
    nvml.file.write_text(describe(1, gpu0=dict.fromkeys(pids, 3 * 2**30)))
    (gpu,) = find_gpus({})
    return foreign_tenants(gpu, sharers)


def test_nobody_is_on_an_empty_gpu(nvml: FakeNvml) -> None:
    assert on_the_gpu(nvml, set()) == []


def test_a_foreign_process_is_said_with_its_name_and_memory(
    nvml: FakeNvml, process: Callable[..., int]
) -> None:
    pid = process()
    (tenant,) = on_the_gpu(nvml, {"token-1"}, pid)
    assert (tenant.pid, tenant.memory) == (pid, 3 * 2**30)
    assert tenant.name.startswith("python")
    assert str(tenant) == f"GPU 0 is used by {tenant.name}, process {pid} (3.0 GiB)"


def test_a_worker_that_shares_the_gpu_is_not_foreign(
    nvml: FakeNvml, process: Callable[..., int], identity: Identity
) -> None:
    # Given the processes of two workers
    sharer = process(**replace(identity, token="token-1").to_environment())
    other = process(**replace(identity, token="token-2").to_environment())
    # When one of them holds a share
    found = on_the_gpu(nvml, {"token-1"}, sharer, other)
    # Then the other, which has lost its share or never had one, is foreign
    assert [tenant.pid for tenant in found] == [other]


def test_a_process_that_cannot_be_seen_may_be_a_sharer_s(nvml: FakeNvml) -> None:
    """As in a container, where NVML counts as the host does."""
    assert on_the_gpu(nvml, {"token-1"}, UNSEEN) == []
    (tenant,) = on_the_gpu(nvml, set(), UNSEEN)
    assert str(tenant) == f"GPU 0 is used by process {UNSEEN} (3.0 GiB)"


def test_a_process_that_says_nonsense_is_foreign(
    nvml: FakeNvml, process: Callable[..., int]
) -> None:
    pids = [process(FITQ_WORKER_IDENTITY=text) for text in ("nonsense", "{}", "[1]")]
    assert [tenant.pid for tenant in on_the_gpu(nvml, {"token-1"}, *pids)] == pids


def test_memory_that_the_driver_does_not_tell() -> None:
    assert str(Tenant(1, 7, "", None)) == "GPU 1 is used by process 7 (unknown memory)"
