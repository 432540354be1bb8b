"""A real GPU, and a Keras backend that can use it; without them nothing here runs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from fitq_worker.devices.device import Device
from fitq_worker.devices.gpus import find_gpus

PROBES = {
    "tensorflow": "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))",
    "jax": "import jax; print(len([d for d in jax.devices() if d.platform == 'gpu']))",
}


def _sees_gpus(backend: str) -> bool:
    if importlib.util.find_spec(backend) is None:
        return False
    command = [sys.executable, "-c", PROBES[backend]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode == 0 and done.stdout.split()[-1:] not in ([], ["0"])


@pytest.fixture(scope="session")
def gpu() -> Device:
    """The last GPU that NVML shows: pinning to it cannot succeed by chance where there are more."""
    found = find_gpus()
    if not found:
        pytest.skip("no NVIDIA GPU is here")
    return found[-1]


@pytest.fixture(scope="session")
def backend(gpu: Device) -> str:
    """TensorFlow where its GPU build is installed, else JAX."""
    found = next((name for name in PROBES if _sees_gpus(name)), None)
    if found is None:
        pytest.skip("neither TensorFlow nor JAX can use the GPU that is here")
    return found
