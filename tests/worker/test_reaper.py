"""When a reaper takes a job from a worker whose lease is not there, and when it waits first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from conftest import missing
from fitq_shared.celery_app import make_app
from fitq_shared.errors import StackError
from fitq_shared.lease import Lease
from fitq_shared.record import Attempt
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis, open_redis
from fitq_shared.settings import Settings
from fitq_worker import contact
from fitq_worker.identity import Identity
from fitq_worker.leaving import Leaving
from fitq_worker.reaper import Reaper
from support.redis_server import RedisServer

LEASE_SECONDS = 15.0
# By then all who live have renewed their leases.
PEACE_SECONDS = 8


@dataclass
class Clock:
    """A clock that only moves when it is told to."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Scene:
    """A reaper, and a job that another worker runs."""

    server: RedisServer
    redis: Redis
    reaper: Reaper
    clock: Clock
    attempt: Attempt
    lease: Lease

    def look(self, seconds: int) -> None:
        """Let the time pass, with a look once a second."""
        for _ in range(seconds):
            self.clock.now += 1.0
            self.reaper.look()

    @property
    def state(self) -> tuple[str, int]:
        record = Records(self.redis).get(self.attempt.job_id)
        return record.state, record.attempt


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    try:
        started = RedisServer(tmp_path_factory.mktemp("redis"), "--maxmemory-policy", "noeviction")
    except StackError as error:
        missing(error.message)
        raise
    yield started
    started.stop()


@pytest.fixture
def scene(
    server: RedisServer,
    tmp_path: Path,
    identity: Identity,
    claim: Callable[[Redis], Attempt],
    monkeypatch: pytest.MonkeyPatch,
) -> Scene:
    clock = Clock()
    monkeypatch.setattr(contact, "time", clock)
    settings: Settings = replace(
        server.settings, store_url=str(tmp_path), lease_seconds=LEASE_SECONDS
    )
    redis = open_redis(settings)
    redis.flushall()
    attempt = claim(redis)
    lease = Lease(redis, identity.resource, identity.token, 600)
    other = replace(identity, token="c3d4", resource="cpu:there:0-1")
    reaper = Reaper(make_app(settings), settings, other, Leaving())
    return Scene(server, redis, reaper, clock, attempt, lease)


def test_a_new_reaper_lets_those_who_live_renew_their_leases_first(scene: Scene) -> None:
    # Given a worker whose lease has run out in an outage, and a reaper that has just started
    scene.lease.release()
    scene.look(3)
    assert scene.state == ("running", 1)
    # When the worker renews it
    scene.lease.renew()
    # Then it keeps its job
    scene.look(3 * PEACE_SECONDS)
    assert scene.state == ("running", 1)


def test_a_job_whose_worker_does_not_come_back_is_queued_again(scene: Scene) -> None:
    # Given a worker that is gone, and a reaper that has just started
    scene.lease.release()
    # When all who live must have renewed their leases
    scene.look(1 + PEACE_SECONDS)
    # Then its job waits for another
    assert scene.state == ("queued", 2)


def test_a_reaper_that_was_there_does_not_wait(scene: Scene) -> None:
    scene.look(1 + PEACE_SECONDS)
    scene.lease.release()
    scene.look(1)
    assert scene.state == ("queued", 2)


def test_after_an_outage_those_who_live_renew_their_leases_first(scene: Scene) -> None:
    # Given a reaper that was there when Redis went away, for so long that leases run out
    scene.look(1 + PEACE_SECONDS)
    scene.lease.release()
    scene.server.stop()
    scene.look(1)
    scene.clock.now += LEASE_SECONDS
    # When it is back
    scene.server.start()
    scene.look(3)
    # Then the reaper takes no job at once
    assert scene.state == ("running", 1)
    # But when the worker still does not come
    scene.look(PEACE_SECONDS)
    assert scene.state == ("queued", 2)


def test_a_redis_that_stood_still_without_an_error_is_an_outage_too(scene: Scene) -> None:
    scene.look(1 + PEACE_SECONDS)
    scene.lease.release()
    scene.clock.now += LEASE_SECONDS
    scene.look(3)
    assert scene.state == ("running", 1)


def test_a_cut_that_can_have_ended_no_lease_is_not_waited_for(scene: Scene) -> None:
    scene.look(1 + PEACE_SECONDS)
    scene.lease.release()
    scene.server.stop()
    scene.look(1)
    scene.server.start()
    scene.look(1)
    assert scene.state == ("queued", 2)


def test_while_redis_takes_no_writes_nobody_can_renew_a_lease(scene: Scene) -> None:
    # Given a Redis that was full, and a lease that ran out meanwhile
    scene.look(1 + PEACE_SECONDS)
    scene.lease.release()
    scene.redis.config_set("maxmemory", "1")
    scene.look(1)
    # When there is room again
    scene.redis.config_set("maxmemory", "0")
    scene.look(3)
    # Then the reaper takes no job at once
    assert scene.state == ("running", 1)
    # But when the worker still does not come
    scene.look(PEACE_SECONDS)
    assert scene.state == ("queued", 2)
