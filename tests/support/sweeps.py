"""Small sweeps for tests."""

from __future__ import annotations

from typing import Any

from fitq.queue import Queue
from fitq.sweeping import Standing, Sweeping
from fitq_shared.sweeps.record import SweepRecord
from fitq_shared.sweeps.spec import SweepSpec
from support.waiting import wait_until

# A trial takes a second, and thirty times as long on a machine where all tests run at once.
WAIT_SECONDS = 900.0
TRAIN: dict[str, Any] = {
    "dataset": "mnist",
    "model": {"type": "mlp", "units": [16]},
    "optimizer": "adam",
    "loss": "sparse_categorical_crossentropy",
    "metrics": ["accuracy"],
    "rows": 500,
    "epochs": 2,
    "batch_size": 64,
    "validation_split": 0.2,
    "seed": 1,
}


def sweep_spec(train: dict[str, Any] | None = None, **changes: Any) -> SweepSpec:
    """Two trials of a second, unless the changes make it more."""
    values: dict[str, Any] = {
        "name": "brave-otter",
        "owner": "ann",
        "train": {**TRAIN, **(train or {})},
        "space": {"lr": [0.001, 0.01]},
    }
    return SweepSpec.parse({**values, **changes})


def wait_for_sweep(queue: Queue, sweep: SweepRecord, *states: str) -> Standing:
    """How a sweep stands as soon as it is in one of these states."""

    def ask() -> Standing | None:
        standing = Sweeping(queue).standing(sweep.id)
        return standing if standing.sweep.state in states else None

    found = wait_until(ask, WAIT_SECONDS, f"state {' or '.join(states)} of sweep {sweep.name}")
    assert found is not None
    return found


def wait_for_trials(queue: Queue, sweep: SweepRecord, state: str, count: int) -> Standing:
    """How a sweep stands as soon as so many of its trials are in this state."""

    def ask() -> Standing | None:
        standing = Sweeping(queue).standing(sweep.id)
        found = [trial for trial in standing.trials if standing.state(trial) == state]
        return standing if len(found) >= count else None

    found = wait_until(ask, WAIT_SECONDS, f"{count} trials of {sweep.name} that are {state}")
    assert found is not None
    return found
