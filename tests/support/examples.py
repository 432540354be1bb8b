"""The examples of examples/, typed line by line as their readers type them."""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
from numpy.typing import NDArray

from fitq.queue import Queue
from fitq_shared.record import JobRecord
from fitq_shared.settings import Settings

EXAMPLES = Path(__file__).parents[2] / "examples"


def load_module(path: Path, name: str) -> ModuleType:
    """A Python file as a module, with what it registers with Keras."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Session:
    """What a run of an example has left.

    Attributes:
        folder: where its commands ran.
        output: what they printed.
    """

    folder: Path
    output: str
    _queue: Queue

    def job(self, name: str) -> JobRecord:
        """The job of this name, which has succeeded."""
        record = self._queue.job(name)
        assert record.state == "succeeded", record
        return record

    def artifact(self, name: str, file: str) -> Path:
        """A file that a job has published."""
        record = self.job(name)
        path = (
            Path(self._queue.settings.store_url or "")
            / self._queue.artifacts.folder(record).path
            / file
        )
        assert path.exists(), sorted(each.name for each in path.parent.iterdir())
        return path

    def predictions(self, name: str) -> dict[str, NDArray[np.generic]]:
        """The arrays of a prediction job."""
        with np.load(self.artifact(name, "predictions.npz"), allow_pickle=False) as arrays:
            return dict(arrays)

    def model(self, name: str) -> keras.Model:
        """A trained model, loaded with plain Keras."""
        return keras.models.load_model(self.artifact(name, "model.keras"), compile=False)


def run_example(name: str, folder: Path, settings: Settings) -> Session:
    """Run the small version of an example on this queue, whatever it is that it leaves."""
    runner = load_module(EXAMPLES / "run.py", "fitq_examples_run")
    place = runner.copy(name, folder)
    environment = {
        **os.environ,
        "FITQ_REDIS_URL": settings.redis_url,
        "FITQ_STORE": settings.store_url or "",
        "FITQ_OWNER": "tester",
    }
    output = ""
    for line in runner.lines(name, small=True):
        program, *words = shlex.split(line)
        done = subprocess.run(
            [Path(sys.executable).parent / program, *words],
            cwd=place,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        output += f"$ {line}\n{done.stdout}"
        assert done.returncode == 0, output
    return Session(place, output, Queue(settings))
