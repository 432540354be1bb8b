"""One stack in containers for the session, with MNIST in its volume."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import missing
from fitq_shared.store import Store
from fitq_worker.datasets.loading import load
from support.compose import Containers, engine_answers

SERVICES = ("redis", "worker-cpu", "flower")


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker engine."""
    if not engine_answers():
        missing("a Docker engine")


@pytest.fixture(scope="session")
def images(engine: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The images, built from this tree."""
    builder = Containers(tmp_path_factory.mktemp("builder"))
    builder.compose("build", "worker-cpu", "flower", "fitq")


@pytest.fixture(scope="session")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An archive of the folder `datasets`, with MNIST as a worker keeps it in the volume."""
    folder = tmp_path_factory.mktemp("mnist")
    load("mnist", Store(str(folder)))
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as file:
        file.add(folder / "datasets", "datasets")
    return archive.getvalue()


@pytest.fixture(scope="session")
def containers(
    images: None, mnist: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Containers]:
    """Redis, Flower and three workers, all of them healthy."""
    share = min(1.0, len(os.sched_getaffinity(0)) / 3)
    settings = {"FITQ_CORE_COUNT": "1", "FITQ_WORKER_MEMORY": "2g", "FITQ_LEASE_SECONDS": "5"}
    if share < 1:
        settings["FITQ_CORE_SHARE"] = "0.5"
    stack = Containers(tmp_path_factory.mktemp("stack"), **settings)
    try:
        fill_volume(stack, mnist)
        stack.compose("up", "--detach", "--wait", "--scale", "worker-cpu=3", *SERVICES)
        yield stack
    finally:
        stack.down()


def fill_volume(stack: Containers, archive: bytes) -> None:
    """Unpack an archive in the volume, as the user of the images."""
    file = Path(os.environ.get("TMPDIR", "/tmp")) / f"{stack.project}.tar"
    file.write_bytes(archive)
    try:
        with file.open("rb") as content:
            unpack = ("tar", "--directory=/volume", "--extract", "--no-same-owner")
            stack.in_volume(*unpack, stdin=content)
    finally:
        file.unlink()
