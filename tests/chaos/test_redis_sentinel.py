"""The primary Redis dies and its replica takes its place: worker and waiting client follow."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from fitq.queue import AWAY, BACK, Queue
from fitq_shared.record import JobRecord
from fitq_shared.redis_link import open_redis
from support.jobs import training, wait_for_epoch
from support.redis_sentinel import WatchedRedis
from support.worker import Worker


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[WatchedRedis]:
    redis = WatchedRedis(tmp_path)
    yield redis
    redis.stop()


@pytest.mark.soak
def test_a_failover_loses_no_confirmed_job(
    watched: WatchedRedis, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # Given a worker that trains, somebody who waits, and a job behind it
    volume = tmp_path / "volume"
    volume.mkdir()
    settings = replace(watched.settings, store_url=str(volume), lease_seconds=5.0)
    client = Queue(settings)
    worker = Worker(settings, tmp_path).wait_until_ready()
    try:
        record = client.submit(training(client, epochs=8))
        wait_for_epoch(client, record)
        behind = client.submit(training(client, rows=2000))
        ended: list[JobRecord] = []
        waiting = threading.Thread(target=lambda: ended.append(client.wait(record)))
        waiting.start()
        # Whose jobs the replica has, on a machine that may be too busy for a word within a second
        assert open_redis(settings).wait(1, 30_000) == 1
        capfd.readouterr()
        # When the primary is killed
        assert not psutil.pid_exists(watched.primary.kill())
        watched.wait_for_failover()
        # Then who waits sees the end, and was told of the outage once
        waiting.join(timeout=120)
        assert [job.state for job in ended] == ["succeeded"]
        assert capfd.readouterr().err.splitlines() == [AWAY, BACK]
        # And the confirmed job runs, on the same worker
        assert client.wait(behind, 120).state == "succeeded"
        assert worker.process.poll() is None
        # And of a job that no replica confirms, that is said: the old primary is gone
        lonely = client.submit(training(client, rows=2000))
        assert f"a failover now could lose it; if `fitq show {lonely.id}`" in capfd.readouterr().err
    finally:
        worker.stop()
