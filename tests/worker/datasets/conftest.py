"""A small made-up data set, sources and programs to get it from, and the real ones."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from fitq_shared.catalogue import DATASETS, DatasetFacts
from fitq_shared.errors import JobError
from fitq_shared.store import Store
from fitq_worker.datasets.dataset import Array, Arrays, Dataset
from fitq_worker.datasets.idx import FILES
from fitq_worker.datasets.loading import load
from fitq_worker.datasets.sources.source import SourceUnavailable


@dataclass
class StubSource:
    """Gives what it was made with, and counts how often it was asked."""

    name: str
    gives: Arrays | str
    calls: int = field(default=0)

    def fetch(self, facts: DatasetFacts) -> Arrays:
        self.calls += 1
        if isinstance(self.gives, str):
            raise SourceUnavailable(self.gives)
        return self.gives


@pytest.fixture
def stub() -> type[StubSource]:
    return StubSource


@pytest.fixture
def arrays() -> Arrays:
    random = np.random.default_rng(7)
    return {
        "x_train": random.integers(0, 256, (6, 2, 3), np.uint8),
        "y_train": np.array([0, 1, 1, 2, 2, 2], np.uint8),
        "x_test": random.integers(0, 256, (4, 2, 3), np.uint8),
        "y_test": np.array([0, 0, 0, 1], np.uint8),
    }


@pytest.fixture
def facts(arrays: Arrays) -> DatasetFacts:
    return DatasetFacts(
        name="made_up",
        title="Made up",
        image_shape=(2, 3),
        class_names=("ant", "bee", "cat"),
        rows={"train": 6, "test": 4},
        sums={key: hashlib.sha256(array.tobytes()).hexdigest() for key, array in arrays.items()},
    )


@pytest.fixture
def dataset(facts: DatasetFacts, arrays: Arrays) -> Dataset:
    return Dataset(facts, **arrays)


@pytest.fixture
def other_arrays(arrays: Arrays) -> Arrays:
    """The right shapes and dtypes, another content."""
    return {**arrays, "x_train": arrays["x_train"] ^ np.uint8(1)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "keras-home"
    (home / "datasets").mkdir(parents=True)
    monkeypatch.setenv("KERAS_HOME", str(home))
    return home


def idx_bytes(array: Array) -> bytes:
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes()


@pytest.fixture
def write_idx(arrays: Arrays) -> Callable[..., None]:
    """Write the four IDX files of the made-up data set into a folder."""

    def write(folder: Path, *, packed: bool) -> None:
        folder.mkdir(parents=True)
        for key, array in arrays.items():
            content = idx_bytes(array)
            if packed:
                (folder / f"{FILES[key]}.gz").write_bytes(gzip.compress(content))
            else:
                (folder / FILES[key]).write_bytes(content)

    return write


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a shell script on PATH, before all other programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def put(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return put


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    """MNIST and Fashion-MNIST, from whichever source this machine reaches."""
    store = Store(str(tmp_path_factory.mktemp("volume")))
    try:
        return {name: load(name, store) for name in DATASETS}
    except JobError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
