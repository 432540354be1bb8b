"""The client where TensorFlow is not: it submits to a worker elsewhere, and shows the result."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from fitq_shared.attempt_folder import MANIFEST

pytestmark = pytest.mark.usefixtures("shared_worker")

SMALL = (
    *("train", "--dataset", "mnist", "--model", "mlp", "--option", "units=16"),
    *("--batch-size", "4096", "--validation-split", "0.5"),
)
NAME = "plain-plover"


@pytest.fixture(scope="module")
def training(fitq, shared_worker):
    """What `fitq train` prints where nothing says where the store is."""
    return fitq(*SMALL, "--epochs", "2", "--name", NAME)


@pytest.fixture
def trained(training):
    """The name of a job that has succeeded."""
    assert training.code == 0, training.err
    return NAME


def test_nothing_heavy_is_installed(laptop):
    # Given the client, installed as a user installs it
    # When I look for what only workers need
    found = laptop.python(
        "import importlib.util as u\n"
        "names = 'keras', 'tensorflow', 'matplotlib', 'fitq_worker', 'flower', 'supervisor'\n"
        "print([name for name in names if u.find_spec(name)])\n"
        "import fitq, fitq.queue\n"
        "print(fitq.__file__)"
    )

    # Then nothing is there, and the client is a copy of its own
    heavy, file = found.splitlines()
    assert heavy == "[]"
    assert Path(file).is_relative_to(laptop.folder)


def test_train_without_a_store(training):
    # Given a client that knows only where Redis is
    # When I train
    ran = training

    # Then I see the epochs, and in the end the metrics
    assert ran.code == 0, ran.err
    assert re.search(r"attempt 1 runs on cpu\S*@", ran.err)
    assert re.search(r"epoch 1/2 .*loss \d", ran.err)
    assert re.search(r"epoch 2/2 .*val_accuracy 0\.\d{4}", ran.err)
    assert f"{NAME} succeeded" in ran.out
    assert re.search(r"^ *val_accuracy +0\.\d{4}$", ran.out, re.MULTILINE)
    assert "artifacts:" not in ran.out


def test_what_works_without_a_store(fitq, trained):
    # Given a job that has ended
    # When I list jobs and watch that one
    listed = fitq("jobs", "--json")
    watched = fitq("watch", trained, "--json")

    # Then both tell how it ended
    assert listed.code == watched.code == 0, listed.err + watched.err
    jobs = {job["name"]: job for job in json.loads(listed.out)}
    assert jobs[trained]["state"] == "succeeded"
    assert json.loads(watched.out) == jobs[trained]
    assert 0 < jobs[trained]["metrics"]["val_accuracy"] < 1

    # And I can predict with its model, though not see what it predicts
    ran = fitq("predict", trained, "--dataset", "mnist")
    assert ran.code == 0, ran.err
    assert re.search(r"accuracy +0\.\d{4}", ran.out)
    assert "which this client cannot read" in ran.err


def test_cancel_without_a_store(fitq):
    # Given a job that would take long
    ran = fitq(*SMALL, "--epochs", "5000", "--name", "long-loris", "--no-wait")
    assert ran.code == 0, ran.err

    # When I cancel it
    ran = fitq("cancel", "long-loris")
    assert ran.code == 0, ran.err
    assert "long-loris  " in ran.out

    # Then it ends, and whoever watches it is told
    ran = fitq("watch", "long-loris")
    assert ran.code == 1
    assert "long-loris was cancelled" in ran.err


@pytest.mark.parametrize("command", ["pull", "logs", "history", "predict"])
def test_what_needs_a_store_says_so(fitq, trained, tmp_path, command):
    # Given a client that does not know the store
    # When I ask for what lies there, or want to put something there
    images = tmp_path / "images.npy"
    np.save(images, np.zeros((3, 28, 28), np.uint8))
    more = ["--input", str(images)] if command == "predict" else []
    ran = fitq(command, trained, *more)

    # Then I am told what is missing, and what to do
    assert ran.code == 1
    assert "this client has no access to the store" in ran.err
    assert "FITQ_STORE" in ran.err
    assert "Traceback" not in ran.err


def test_pull_with_the_store(fitq, trained, tmp_path, session_settings):
    # Given the same client with the volume at hand
    # When I pull what the job has made
    ran = fitq("pull", trained, "here", store=True, folder=tmp_path)
    assert ran.code == 0, ran.err

    # Then all of it is here, as it was published
    record = json.loads(fitq("show", trained, "--json", store=True).out)
    published = Path(session_settings.store_url, "jobs", record["id"], "attempt-1", MANIFEST)
    assert _sum(published) == record["manifest"]
    sums = json.loads(published.read_bytes())
    assert {"model.keras", "history.csv", "metrics.json", "log.txt"} <= sums.keys()
    assert {name: _sum(tmp_path / "here" / name) for name in sums} == sums

    # And the log can be read
    assert "mlp on mnist, 2 epochs" in fitq("logs", trained, store=True).out


def test_predict_with_the_store(fitq, trained, tmp_path):
    # Given images of my own
    images = np.random.default_rng(1).integers(0, 256, (5, 28, 28), np.uint8)
    np.savez(tmp_path / "x.npz", x=images)

    # When I predict them
    ran = fitq("predict", trained, "--input", "x.npz", store=True, folder=tmp_path)

    # Then I see a class and its probability for each
    assert ran.code == 0, ran.err
    head, *rows = [line.split() for line in ran.out.splitlines() if re.match(r"row|\d", line)]
    assert head == ["row", "class", "name", "probability"]
    assert [row[0] for row in rows] == list("01234")
    assert all(0.1 <= float(row[3]) <= 1 for row in rows)


def _sum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
