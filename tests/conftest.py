"""Fixtures for all tests: a real Redis, a store, workers on them, and `fitq` as a command."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from fitq.cli import run
from fitq.queue import Queue
from fitq_shared.errors import StackError
from fitq_shared.redis_link import Redis, open_redis
from fitq_shared.settings import Settings
from support.redis_server import RedisServer
from support.worker import Worker


@dataclass(frozen=True)
class Ran:
    """What a run of `fitq` left: its exit code, and what it printed where."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def missing(service: str) -> None:
    """A service is not here: skip on a developer's machine, fail in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{service} is missing, and in CI nothing may be skipped for that")
    pytest.skip(f"{service} is missing")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One Redis server for the session."""
    try:
        server = RedisServer(tmp_path_factory.mktemp("redis"))
    except StackError as error:
        missing(error.message)
        raise
    yield server
    server.stop()


@pytest.fixture
def settings(redis_server: RedisServer, tmp_path: Path) -> Settings:
    """An empty queue, and an empty store."""
    open_redis(redis_server.settings).flushall()
    volume = tmp_path / "volume"
    volume.mkdir()
    return replace(redis_server.settings, store_url=str(volume))


@pytest.fixture
def redis(settings: Settings) -> Redis:
    """A connection to the empty queue."""
    return open_redis(settings)


@pytest.fixture(scope="session")
def shared_worker(
    tmp_path_factory: pytest.TempPathFactory, session_settings: Settings
) -> Iterator[Worker]:
    """One worker for all tests that only need jobs to be run, those with code of users' too."""
    worker = Worker(
        session_settings, tmp_path_factory.mktemp("worker"), arguments=("--allow-code",)
    ).wait_until_ready()
    yield worker
    worker.stop()


@pytest.fixture(scope="session")
def session_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A queue and a store that live as long as the session, for `shared_worker`.

    They have a Redis server of their own, since `settings` empties the other one.
    """
    try:
        server = RedisServer(tmp_path_factory.mktemp("session-redis"))
    except StackError as error:
        missing(error.message)
        raise
    volume = tmp_path_factory.mktemp("volume")
    yield replace(server.settings, store_url=str(volume), lease_seconds=5.0)
    server.stop()


@pytest.fixture
def client(session_settings: Settings, shared_worker: Worker) -> Queue:
    """A client whose jobs are run by the shared worker."""
    return Queue(session_settings)


@pytest.fixture
def start_worker(settings: Settings, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Start workers on the empty queue of this test; they end with it."""
    workers: list[Worker] = []

    def start(
        cores: str | None = None,
        lease_seconds: float = 3.0,
        arguments: Sequence[str] = (),
        **environment: str,
    ) -> Worker:
        own = replace(settings, lease_seconds=lease_seconds)
        workers.append(Worker(own, tmp_path, cores, arguments, **environment))
        return workers[-1]

    yield start
    for worker in workers:
        worker.stop()


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: without a stack, and without variables that name one."""
    for name in ("FITQ_REDIS_URL", "FITQ_STORE", "FITQ_LEASE_SECONDS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FITQ_OWNER", "ann")
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def fitq(nowhere: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run `fitq` as a person does, but in this process."""

    def call(*arguments: object) -> Ran:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        return Ran(code, *capfd.readouterr())

    return call
