"""Trains a small model on what this process sees, and prints what that took, as JSON.

The arguments are the backend, and how many bytes of the GPU it may take (0: as many as it needs).
"""

from __future__ import annotations

import json
import os
import sys

import pynvml


def main(backend: str, limit: int) -> dict[str, object]:
    """Train, and look at the GPUs before the process ends."""
    os.environ["KERAS_BACKEND"] = backend
    pynvml.nvmlInit()
    before = used()
    if backend == "tensorflow":
        from fitq_worker import backend as fitq_backend

        fitq_backend.prepare("gpu", 2, limit or None)
        seen = fitq_backend.gpus()
    else:
        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        import jax

        seen = jax.device_count("gpu")
    import keras
    import numpy as np

    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(32), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    x = np.random.default_rng(1).normal(size=(4096, 64)).astype("float32")
    losses = model.fit(x, x[:, :1], epochs=5, batch_size=64, verbose=0).history["loss"]
    after = used()
    return {
        "seen": seen,
        "losses": losses,
        "grown": {uuid: after[uuid] - before[uuid] for uuid in after},
    }


def used() -> dict[str, int]:
    """How many bytes of each GPU are in use, by its UUID."""
    handles = [pynvml.nvmlDeviceGetHandleByIndex(n) for n in range(pynvml.nvmlDeviceGetCount())]
    return {
        str(pynvml.nvmlDeviceGetUUID(handle)): int(pynvml.nvmlDeviceGetMemoryInfo(handle).used)
        for handle in handles
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))  # noqa: T201 - what the test reads
