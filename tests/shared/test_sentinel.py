"""A primary that dies in the middle of a command: the command goes on where its replica is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fitq_shared.outage import Outage
from fitq_shared.redis_link import open_redis
from support.redis_sentinel import WatchedRedis
from support.waiting import wait_until


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[WatchedRedis]:
    redis = WatchedRedis(tmp_path)
    yield redis
    redis.stop()


@pytest.mark.services
def test_a_command_that_was_cut_goes_on_at_the_new_primary(watched: WatchedRedis) -> None:
    # Given somebody in the middle of a command, who waits at the primary for a value
    waiting = open_redis(watched.settings, outage=Outage(120))
    answers: list[tuple[str, str]] = []
    thread = threading.Thread(
        target=lambda: answers.append(waiting.blpop(["list"], timeout=0)), daemon=True
    )
    other = open_redis(watched.settings, outage=Outage(120))
    thread.start()
    wait_until(lambda: other.info("clients")["blocked_clients"] == 1, 30, "a command in hand")
    # When the primary dies, its replica takes its place, and the value comes there
    watched.primary.kill()
    watched.wait_for_failover()
    other.rpush("list", "value")
    # Then the command ends with it
    thread.join(timeout=60)
    assert [tuple(answer) for answer in answers] == [("list", "value")]
