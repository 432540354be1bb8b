from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from fitq.stack.addresses import Addresses
from fitq.stack.folder import StackFolder, read_json
from fitq.stack.local_stack import LocalStack
from fitq.stack.worker_plan import WorkerPlan

STAND_IN = [sys.executable, str(Path(__file__).with_name("stand_in_worker.py"))]
# Everything that a configuration file could trip over.
ODD_NAME = 'my #1 project; 50%s "of" Bob\'s'


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, f"not after {seconds} s: {what}"
        time.sleep(0.05)


def recorded_processes(folder: StackFolder) -> dict[str, psutil.Process]:
    """supervisord, the recorded programs that have not been restarted since, and all others."""
    record = read_json(folder.processes_file)
    supervisor = psutil.Process(record["supervisor"][0])
    names = {pid: name for name, (pid, _) in record["programs"].items()}
    children = supervisor.children(recursive=True)
    return {"supervisor": supervisor} | {
        names.get(one.pid, f"child-{one.pid}"): one for one in children
    }


def has_ended(one: psutil.Process) -> bool:
    try:
        # Where nobody reaps orphans they stay as zombies.
        return not one.is_running() or one.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture(scope="session")
def stand_in() -> list[str]:
    return STAND_IN


@pytest.fixture
def helpers() -> type[Helpers]:
    return Helpers


class Helpers:
    """What tests share; with importlib's import mode they cannot import this file."""

    wait_until = staticmethod(wait_until)
    processes = staticmethod(recorded_processes)
    has_ended = staticmethod(has_ended)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / ODD_NAME
    folder.mkdir()
    return folder


@pytest.fixture
def stack(project: Path) -> Iterator[LocalStack]:
    """A stack that is not up yet; it is down after the test."""
    stack = LocalStack(project, STAND_IN)
    yield stack
    stack.down()


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """One stack with Flower and two workers, for all tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("shared") / ODD_NAME
    folder.mkdir()
    stack = LocalStack(folder, STAND_IN)
    stack.up([WorkerPlan("cpu", (0,)), WorkerPlan("cpu")])
    yield stack
    stack.down()


@pytest.fixture
def addresses(shared_stack: LocalStack) -> Addresses:
    found = Addresses.load(shared_stack.folder)
    assert found is not None
    return found
