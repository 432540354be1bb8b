"""One training on several devices, which are halves of this CPU, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import support


def test_a_training_on_two_devices_is_that_on_one(tmp_path: Path) -> None:
    # When the same is trained on one device and on two, and on two with an interruption
    done = subprocess.run(
        [sys.executable, "-m", "support.two_devices", str(tmp_path)],
        env={
            **os.environ,
            "KERAS_BACKEND": "tensorflow",
            "PYTHONPATH": str(Path(support.__file__).parents[1]),
        },
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    # Then both devices had their copies of the variables
    assert told["devices"] == ["CPU:0", "CPU:1"]
    # And each saw its part of each batch: the sums are made in another order, and of an odd batch
    # the smaller part counts as much as the larger one
    assert len(told["together"]) == len(told["alone"]) == 2
    for two, one in zip(told["together"], told["alone"], strict=True):
        assert two == pytest.approx(one, rel=1e-2)
    # And what was interrupted within an epoch has ended the same to the last bit (it checks that)
    assert told["interrupted_at"] == [1, 30]
