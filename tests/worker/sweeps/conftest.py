"""Conductors on an empty queue, and a worker without Keras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from celery import Celery

from fitq.queue import Queue
from fitq.sweeping import Standing, Sweeping
from fitq_shared.celery_app import make_app
from fitq_shared.records import Records
from fitq_shared.redis_link import Redis
from fitq_shared.settings import Settings
from fitq_shared.store import Store
from fitq_shared.sweeps.record import SweepRecord
from fitq_worker.identity import Identity
from fitq_worker.sweeps.conductor import Conductor
from support.fake_worker import FakeWorker


@pytest.fixture
def app(settings: Settings) -> Celery:
    return make_app(settings)


@pytest.fixture
def make_conductor(app: Celery, settings: Settings, identity: Identity) -> Callable[..., Conductor]:
    """A conductor of a worker of its own; it looks when it is told to."""

    def make(token: str = "a1b2", lease_seconds: float = 60.0) -> Conductor:
        own = replace(settings, lease_seconds=lease_seconds)
        return Conductor(app, own, replace(identity, token=token))

    return make


@pytest.fixture
def conductor(make_conductor: Callable[..., Conductor]) -> Conductor:
    return make_conductor()


@pytest.fixture
def queue(settings: Settings) -> Queue:
    return Queue(settings)


@pytest.fixture
def worker(redis: Redis, settings: Settings) -> FakeWorker:
    return FakeWorker(redis, Records(redis), Store(settings.store_url or ""))


@pytest.fixture
def standing(queue: Queue) -> Callable[[SweepRecord], Standing]:
    """How a sweep stands now."""
    return lambda sweep: Sweeping(queue).standing(sweep.id)
