"""Trains on one device, then on two, which are halves of this CPU; run as a process of its own.

Prints what became of it, as JSON. Its argument is a folder.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import tensorflow as tf

from fitq_shared.store import Store
from fitq_worker import backend, checkpoint_writer
from support.trainings import Job, after_call, assert_same_end, job, without_pictures

# Without dropout, whose random numbers each device draws for itself. The last batch of an epoch has
# one row: nothing is left of it for the second device.
PLAIN = {"model": {"type": "mlp", "units": [8]}, "batch_size": 6, "epochs": 2}


def run(folder: Path, name: str, **changes: Any) -> Job:
    """Train without a break."""
    training = job(Store(str(folder / name)), **changes)
    training.run()
    return training


def main(folder: Path) -> dict[str, Any]:
    """Train the same on one and on two devices, and on two with an interruption."""
    (cpu,) = tf.config.list_physical_devices("CPU")
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, halves)
    backend.prepare("cpu", 1)
    without_pictures(setattr)
    checkpoint_writer.EPOCH_SECONDS = 600.0

    alone = run(folder, "alone", **PLAIN)
    backend.mirror(["CPU:0", "CPU:1"])
    together = run(folder, "together", **PLAIN)

    undisturbed = run(folder, "undisturbed", epochs=3)
    interrupted = job(Store(str(folder / "interrupted")), epochs=3)
    interrupted.run("drain", after_call(1, 1))
    (position,) = interrupted.checkpoints().positions().values()
    interrupted.run()
    assert_same_end(interrupted, undisturbed)
    with backend.scope():
        weight = tf.Variable(1.0)
    return {
        "alone": alone.history(),
        "together": together.history(),
        "interrupted_at": [position.epoch, position.batch],
        "devices": sorted(copy.device[-5:] for copy in weight.values),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))  # noqa: T201 - what the test reads
