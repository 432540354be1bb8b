"""Redis goes away in the middle of a training, or is full: worker and waiting client go on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from fitq.queue import AWAY, BACK, Queue
from fitq_shared.errors import QueueUnreachable
from fitq_shared.redis_link import Redis, open_redis
from fitq_shared.settings import Settings
from support.jobs import training, wait_for_epoch, wait_for_state
from support.redis_server import RedisServer
from support.waiting import wait_until
from support.worker import Worker


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"), "--maxmemory-policy", "noeviction")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def own_settings(own_redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    volume = tmp_path_factory.mktemp("volume")
    return replace(own_redis.settings, store_url=str(volume), lease_seconds=3.0)


@pytest.fixture(scope="module")
def worker(own_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    started = Worker(own_settings, tmp_path_factory.mktemp("worker"))
    yield started.wait_until_ready()
    started.stop()


@pytest.fixture
def full(own_redis: RedisServer) -> Iterator[Redis]:
    """An administrator's connection; whatever a test has set as the limit is lifted after it."""
    admin = open_redis(own_redis.settings)
    yield admin
    admin.config_set("maxmemory", "0")


def test_a_training_and_who_watches_it_outlive_a_restart_of_redis(
    own_redis: RedisServer, own_settings: Settings, worker: Worker, tmp_path: Path
) -> None:
    # Given a training of some length, and somebody who watches it
    client = Queue(own_settings)
    record = client.submit(training(client, epochs=48))
    wait_for_epoch(client, record)
    command = [str(Path(sys.executable).parent / "fitq"), "watch", record.name]
    environment = {"FITQ_REDIS_URL": own_settings.redis_url, "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stderr
        told = []
        for line in watching.stderr:
            told.append(line.strip())
            if line.startswith("epoch 1/"):
                break
        # When Redis is away until the lease must have run out, and comes back
        own_redis.stop()
        wait_until(lambda: worker.text().count("cannot renew the lease") >= 14, 60, "an outage")
        own_redis.start()
        told += [line.strip() for line in watching.stderr]
    # Then the training has gone on, and its first attempt is published
    ended = wait_for_state(client, record, "succeeded", "failed")
    assert (ended.state, ended.attempt, ended.losses) == ("succeeded", 1, 0)
    # And who watches it was told of the outage once, and saw each event once, and the end
    assert watching.returncode == 0
    assert [line for line in told if "Redis" in line] == [AWAY, BACK]
    epochs = [line.split()[1] for line in told if line.startswith("epoch ")]
    assert len(epochs) == len(set(epochs))
    assert epochs[-1] == "48/48"
    # And the worker runs the next job
    assert client.wait(client.submit(training(client, rows=2000)), 120).state == "succeeded"


def test_a_full_redis_ends_neither_job_nor_worker(
    own_settings: Settings, worker: Worker, full: Redis
) -> None:
    # Given a training that runs, and a child that has Keras
    client = Queue(own_settings)
    child = worker.child().pid
    record = client.submit(training(client, epochs=12))
    behind = client.submit(training(client, rows=2000))
    wait_for_epoch(client, record)
    # When Redis is full until the training has ended and its worker looks for the next job
    full.config_set("maxmemory", "1")
    # Then whoever submits is told so
    with pytest.raises(QueueUnreachable) as caught:
        client.submit(training(client, rows=2000))
    assert "maxmemory" in caught.value.message
    wait_until(lambda: "waiting for Redis to take writes" in worker.text(), 60, "a refused end")
    assert client.job(record.id).state == "running"
    # When there is room again
    full.config_set("maxmemory", "0")
    # Then both jobs are published, by the same processes
    assert wait_for_state(client, record, "succeeded", "failed").attempt == 1
    assert wait_for_state(client, behind, "succeeded", "failed").state == "succeeded"
    assert worker.process.poll() is None
    assert worker.child().pid == child


@pytest.mark.soak
def test_an_idle_worker_waits_while_redis_is_full(
    own_settings: Settings, worker: Worker, full: Redis
) -> None:
    # Given an idle worker whose parent stands still while a job is sent
    client = Queue(own_settings)
    child = worker.child().pid
    parent = psutil.Process(worker.process.pid)
    parent.suspend()
    queued = client.submit(training(client, rows=2000))
    said = len(worker.text())
    # When Redis is full at the moment in which the parent takes the message
    full.config_set("maxmemory", "1")
    parent.resume()
    wait_until(lambda: "waiting until Redis takes writes" in worker.text()[said:], 60, "patience")
    # And there is room again
    full.config_set("maxmemory", "0")
    # Then it goes on, with Keras warm, and the job, whose message was lost with that, runs
    wait_until(lambda: "jobs are taken again" in worker.text()[said:], 30, "a worker that goes on")
    assert wait_for_state(client, queued, "succeeded", "failed").state == "succeeded"
    assert worker.process.poll() is None
    assert worker.child().pid == child
