"""A worker keeps its lease for as long as it lives, on lines that die without a word."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from fitq_shared.lease import Lease
from fitq_shared.redis_link import Redis
from fitq_shared.redis_url import RedisUrl
from fitq_shared.settings import Settings
from fitq_worker.identity import Identity
from fitq_worker.keeper import Keeper
from support.proxy import Proxy
from support.waiting import wait_until

pytestmark = pytest.mark.services


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Proxy]:
    made = Proxy(RedisUrl.parse(settings.redis_url).hosts[0][1])
    yield made
    made.stop()


@pytest.fixture
def through(settings: Settings, proxy: Proxy) -> Settings:
    """The way to Redis through the proxy, with a lease of a few seconds."""
    port = RedisUrl.parse(settings.redis_url).hosts[0][1]
    url = settings.redis_url.replace(f":{port}/", f":{proxy.port}/")
    return replace(settings, redis_url=url, lease_seconds=6.0)


def test_a_line_that_dies_without_a_word_costs_no_lease(
    redis: Redis, through: Settings, proxy: Proxy, identity: Identity
) -> None:
    # Given a worker that holds its lease
    keeper = Keeper(through, identity)
    keeper.start()
    key = Lease(redis, identity.resource, "another", 6.0).key
    wait_until(lambda: redis.get(key) == identity.token, 20, "the lease")
    # When its line to Redis is dead, and neither end hears of it
    proxy.forget()
    left = before = redis.pttl(key)
    # Then it renews the lease on another one before it has run out
    while left <= before:  # type: ignore[operator]
        before, left = left, redis.pttl(key)
        assert redis.get(key) == identity.token, "the lease has run out"
        time.sleep(0.02)
    keeper.stop()
    assert redis.get(key) is None
