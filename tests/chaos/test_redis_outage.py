"""Redis goes away in the middle of a training, for longer than a lease stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fitq.client import Client
from fitq_shared.settings import Settings
from support.jobs import training, wait_for_epoch, wait_for_state
from support.redis_server import RedisServer
from support.waiting import wait_until
from support.worker import Worker


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    (tmp_path / "redis").mkdir()
    server = RedisServer(tmp_path / "redis")
    yield server
    server.stop()


@pytest.fixture
def own_settings(own_redis: RedisServer, tmp_path: Path) -> Settings:
    volume = tmp_path / "volume"
    volume.mkdir()
    return replace(own_redis.settings, store_url=str(volume), lease_seconds=3.0)


@pytest.fixture
def worker(own_settings: Settings, tmp_path: Path) -> Iterator[Worker]:
    started = Worker(own_settings, tmp_path)
    yield started.wait_until_ready()
    started.stop()


def test_a_training_outlives_a_restart_of_redis(
    own_redis: RedisServer, own_settings: Settings, worker: Worker
) -> None:
    # Given a training of some length
    client = Client(own_settings)
    record = client.submit(training(client, epochs=25))
    wait_for_epoch(client, record)
    # When Redis is away until the lease must have run out, and comes back
    own_redis.stop()
    wait_until(lambda: worker.text().count("cannot renew the lease") >= 5, 60, "a long outage")
    own_redis.start()
    # Then the training has gone on, and its first attempt is published
    ended = wait_for_state(client, record, "succeeded", "failed")
    assert (ended.state, ended.attempt, ended.losses) == ("succeeded", 1, 0)
    # And the worker runs the next job
    assert client.wait(client.submit(training(client)), 120).state == "succeeded"
