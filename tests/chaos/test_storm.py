"""A slice of the storm: the same as `make soak`, for two minutes. A failure names its seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import missing
from support.volume import namespace_command

TESTS = Path(__file__).parents[1]
SEED = 7
KINDS = (
    "kill-parent",
    "kill-child",
    "stop",
    "drain",
    "kill-redis",
    "cut-long",
    "full-volume",
    "late-commit",
)


@pytest.mark.timeout(500)
def test_no_job_comes_to_harm_in_a_storm(tmp_path: Path, filled_cache: Path) -> None:
    if namespace_command() is None:
        missing("the right to mount a volume, as root or in a user namespace,")
    # Given three workers and rounds of six jobs
    summary = tmp_path / "summary.json"
    command = [
        *(sys.executable, "-m", "storm", "--seed", str(SEED), "--kinds", ",".join(KINDS)),
        *("--faults", str(len(KINDS)), "--jobs", "6", "--specs", "3", "--volume", "256"),
        *("--folder", str(tmp_path / "storm"), "--datasets", str(filled_cache)),
        *("--summary", str(summary)),
    ]
    # When each of eight faults is done to them once
    storm = subprocess.run(
        command,
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    # Then each had its effect, and the auditor finds nothing
    assert storm.returncode == 0, storm.stdout[-6000:]
    result = json.loads(summary.read_text())
    assert result["findings"] == []
    assert {kind: seen["observed"] for kind, seen in result["faults"].items()} == dict.fromkeys(
        KINDS, 1
    )
    assert set(result["jobs"]) <= {"succeeded", "cancelled"}
    assert sum(result["jobs"].values()) >= 12
