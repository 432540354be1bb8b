"""Workers on a host with GPUs: each has its own, whatever happens to the others.

The GPUs are a file (`support/fake_nvml`); workers, Redis and the way between them are real.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from fitq.queue import Queue
from fitq_shared.redis_link import Redis
from fitq_shared.settings import Settings
from support.claim_trace import ClaimTrace
from support.gpu_host import GpuHost, Place
from support.jobs import training, wait_for_epoch, wait_for_state
from support.redis_server import RedisServer
from support.waiting import wait_until

log = logging.getLogger(__name__)

GPUS, WORKERS = 4, 6
StartHost = Callable[..., GpuHost]


@pytest.fixture
def start_host(
    settings: Settings, redis_server: RedisServer, tmp_path: Path
) -> Iterator[StartHost]:
    hosts: list[GpuHost] = []

    def start(gpus: int, *, lease_seconds: float = 2.0, celery: bool = False) -> GpuHost:
        own = replace(settings, lease_seconds=lease_seconds)
        hosts.append(GpuHost(own, redis_server.port, tmp_path, gpus, celery=celery))
        return hosts[-1]

    yield start
    for host in hosts:
        host.end()


def kill(host: GpuHost, place: Place) -> None:
    """SIGKILL: its device is free when its lease has run out."""
    place.kill()


def pause(host: GpuHost, place: Place) -> None:
    """SIGSTOP for longer than the lease: it comes back to a device that is another's."""
    (device,) = [name for name, holder in host.held().items() if holder is place]
    place.pause()
    wait_until(lambda: host.held().get(device), 60, "another worker on its device")
    place.resume()
    assert place.worker.process.wait(timeout=60) == 1
    assert "another worker holds NVIDIA H100" in place.worker.text()


def cut(host: GpuHost, place: Place) -> None:
    """No way to Redis for longer than the lease."""
    (device,) = [name for name, holder in host.held().items() if holder is place]
    place.proxy.refuse()
    wait_until(lambda: host.held().get(device), 60, "another worker on its device")
    place.proxy.accept()
    assert place.worker.process.wait(timeout=60) == 1


def blink(host: GpuHost, place: Place) -> None:
    """Its connections are reset once: it keeps its device."""
    place.proxy.cut()


def storm(host: GpuHost, faults: list[Callable[[GpuHost, Place], None]], seed: int) -> list[float]:
    """Do these faults to workers that hold a device. How long each took until all were in use."""
    drawn = random.Random(seed)
    seconds = []
    for fault in faults:
        wait_until(lambda: host.all_held() and len(host.waiting()) == 2, 60, "six workers")
        victim = host.held()[drawn.choice(host.devices)]
        began = time.monotonic()
        fault(host, victim)
        wait_until(host.all_held, 60, f"all devices in use again after {fault.__name__}")
        seconds.append(time.monotonic() - began)
        if victim.worker.process.poll() is not None:
            host.end([victim])
            host.start()
    return seconds


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([kill, pause, cut, blink], id="each-once"),
        pytest.param([kill, pause, cut, blink] * 10, id="forty", marks=pytest.mark.soak),
    ],
)
def test_no_gpu_ever_has_two_holders_and_none_stays_idle(
    start_host: StartHost,
    redis: Redis,
    faults: list[Callable[[GpuHost, Place], None]],
    record_property: Callable[[str, object], None],
) -> None:
    # Given four GPUs and six workers, of which two wait and say for whom
    host = start_host(GPUS)
    with ClaimTrace(redis) as trace:
        for _ in range(WORKERS):
            host.start()
        wait_until(lambda: host.all_held() and len(host.waiting()) == 2, 120, "six workers")
        assert len({place.pid for place in host.held().values()}) == GPUS
        for info in host.waiting():
            assert info.device_name == "1 of 4 GPUs (0-3)"
        for number in range(GPUS):
            wait_until(lambda n=number: f"gpu{n}@" in host.waiting()[0].waits_for, 30, "its name")
        # When workers are killed, stopped and cut off, one after the other
        seconds = storm(host, faults, seed=len(faults))
        record_property("seconds until all devices were in use again", seconds)
        log.info("all devices were in use again after %s s", [round(one, 1) for one in seconds])
        host.end()
    # Then in all that Redis did no device was given to one while another had it
    assert trace.doubled == []
    assert set(trace.claims) == set(host.devices)
    assert sum(trace.claims.values()) >= GPUS + len(faults) * 3 // 4
    # And nothing is left
    assert redis.keys("fitq:device:*") == []


def test_a_gpu_on_which_others_compute_is_left_to_them(start_host: StartHost) -> None:
    # Given two GPUs, of which the first has a foreign process on it
    host = start_host(2)
    stranger = os.getpid()
    name = psutil.Process(stranger).name()[:15]
    host.put_on_gpu({"gpu0": {stranger: 5 * 2**30}})
    # When two workers come
    first = host.start()
    wait_until(lambda: host.held().get(host.devices[1]) is first, 60, "the free GPU in use")
    second = host.start()
    # Then one takes the other GPU, and one waits and says for whom
    (waiting,) = wait_until(host.waiting, 60, "a worker that waits")
    assert waiting.pid == second.pid
    who = f"GPU 0 is used by {name}, process {stranger} (5.0 GiB)"
    assert who in waiting.waits_for
    assert "held by gpu1@" in waiting.waits_for
    wait_until(lambda: who in second.worker.text(), 10, "the same in its log")
    # And when that process has gone, it steps in
    host.put_on_gpu({})
    wait_until(lambda: host.held().get(host.devices[0]) is second, 60, "both GPUs in use")


def test_two_workers_share_a_gpu_and_one_takes_two(start_host: StartHost) -> None:
    # Given two GPUs
    host = start_host(2)
    # When two workers ask for half of one, and one for both
    halves = [host.start("--gpu-share", "0.5", "--gpus", "1") for _ in range(2)]
    wait_until(lambda: len(host.workers()) == 2, 60, "two workers")
    wait_until(lambda: not host.waiting(), 60, "a GPU each")
    both = host.start("--gpus", "2")
    # Then the halves are on different GPUs, with half of the memory each, and the last one waits
    wait_until(lambda: [info.pid for info in host.waiting()] == [both.pid], 60, "one that waits")
    infos = [host.workers()[place.pid] for place in halves]
    assert {info.name.partition(".")[0] for info in infos} == {"gpu0", "gpu1"}
    assert [(info.share, info.memory, info.devices) for info in infos] == [(0.5, 40 * 2**30, 1)] * 2
    # And it gets both when both have left
    host.end(halves[:1])
    host.end(halves[1:])
    wait_until(lambda: host.all_held() and not host.waiting(), 60, "both GPUs in use")
    (info,) = host.workers().values()
    assert (info.name.partition("@")[0], info.devices, info.memory) == ("gpu0-1", 2, 80 * 2**30)


@pytest.mark.soak
def test_one_that_waited_steps_in_and_goes_on_with_the_job(
    start_host: StartHost, queue: Queue
) -> None:
    # Given one GPU, and two workers that run jobs
    host = start_host(1, lease_seconds=3.0, celery=True)
    first = host.start()
    first.worker.wait_until_ready()
    second = host.start()
    wait_until(host.waiting, 60, "a worker that waits")
    record = queue.submit(training(queue, epochs=30, device="gpu"))
    wait_for_epoch(queue, record)
    environment = first.worker.child().environ()
    assert environment["CUDA_VISIBLE_DEVICES"] == "GPU-0000-aaaa"
    # When the first is killed
    first.kill()
    # Then the other one takes its GPU, and goes on with its job
    ended = wait_for_state(queue, record, "succeeded", "failed")
    assert (ended.state, ended.attempt) == ("succeeded", 2)
    assert ended.device_name == "NVIDIA H100, 80 GiB"
    assert host.held()[host.devices[0]] is second
