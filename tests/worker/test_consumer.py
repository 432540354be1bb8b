"""A worker whose Redis is away asks for it again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from celery.worker.consumer import Consumer
from kombu.utils import functional

from fitq_shared.celery_app import make_app
from fitq_shared.redis_url import RedisUrl
from fitq_shared.settings import Settings
from fitq_worker.consumer import PatientConsumer
from support.proxy import Proxy

pytestmark = pytest.mark.services

TRIES = 5


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Proxy]:
    made = Proxy(RedisUrl.parse(settings.redis_url).hosts[0][1])
    yield made
    made.stop()


def test_it_connects_again_within_a_second_however_long_redis_was_away(
    settings: Settings,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given a Redis that refuses connections for several tries
    port = RedisUrl.parse(settings.redis_url).hosts[0][1]
    url = settings.redis_url.replace(f":{port}/", f":{proxy.port}/")
    app = make_app(replace(settings, redis_url=url))
    consumer = object.__new__(PatientConsumer)
    consumer.app = app
    consumer.first_connection_attempt = True
    consumer.broker_connection_retry_attempt = 0
    assert isinstance(consumer, Consumer)
    proxy.refuse()
    paused: list[float] = []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        if len(tries()) == TRIES:
            proxy.accept()

    def tries() -> list[str]:
        return [line for line in caplog.messages if "Cannot connect" in line]

    monkeypatch.setattr(functional, "sleep", pause)
    # When the worker connects
    connection = consumer.connection_for_read()
    # Then it has tried again after a second each time, the last time too
    assert connection.connected
    assert len(tries()) == TRIES
    assert sum(paused) == pytest.approx(TRIES)
    connection.release()
