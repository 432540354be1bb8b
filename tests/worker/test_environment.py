from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

import keras
import pytest
import tensorflow as tf

import fitq_worker
from fitq_worker.environment import describe_environment
from fitq_worker.identity import Identity

HERE = Path(fitq_worker.__file__).parent


def test_python_and_packages_are_those_that_run(identity: Identity) -> None:
    found = describe_environment(identity)
    assert found["python"] == platform.python_version()
    assert found["fitq"] == fitq_worker.__version__
    packages = found["packages"]
    assert isinstance(packages, dict)
    assert packages["keras"] == keras.__version__
    assert packages["tensorflow"] == tf.__version__
    for name in ("celery", "fitq-shared", "fitq-worker", "kombu", "matplotlib", "numpy", "redis"):
        assert packages[name] == metadata.version(name)


def test_device_host_and_threads(identity: Identity) -> None:
    found = describe_environment(identity)
    assert found["worker"] == "cpu0-1@here"
    assert found["device"] == {
        "kind": "cpu",
        "name": "CPU, 2 cores (0-1)",
        "count": 1,
        "share": 1.0,
    }
    host = found["host"]
    assert isinstance(host, dict)
    assert (host["name"], host["cores"]) == (identity.host, os.cpu_count())
    assert host["memory_gib"] > 0
    assert found["threads"] == tf.config.threading.get_intra_op_parallelism_threads()


def test_the_seed_is_kept_where_there_is_one(identity: Identity) -> None:
    assert describe_environment(identity, 7)["seed"] == 7
    assert describe_environment(identity)["seed"] is None


def test_it_is_json(identity: Identity) -> None:
    found = describe_environment(identity, 7)
    assert json.loads(json.dumps(found)) == found


def test_the_revision_is_that_of_the_checkout(identity: Identity) -> None:
    done = subprocess.run(
        ["git", "-C", str(HERE), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("this is no git checkout")
    assert describe_environment(identity)["git_revision"] == done.stdout.strip()


def test_without_git_there_is_no_revision(
    identity: Identity, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given a host without the git program
    monkeypatch.setenv("PATH", str(tmp_path))
    assert describe_environment(identity)["git_revision"] is None
