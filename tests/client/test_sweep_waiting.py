"""Why a sweep does not go on, told to whoever has started it."""

from __future__ import annotations

import pytest

from fitq.queue import Queue
from fitq.sweeping import Sweeping
from fitq_shared.workers import WorkerInfo, announce
from support.sweeps import sweep_spec

pytestmark = pytest.mark.services

CODE = {"path": f"inputs/{'0' * 64}.tar", "sha256": "0" * 64, "file": "net.py"}
MODEL = {"type": "code", "bundle": CODE, "module": "net", "function": "build"}


@pytest.fixture
def comes(queue, redis):
    """Let a worker come."""

    def make(name="blue", **says):
        info = WorkerInfo(name, name, "h", 1, "cpu", "2 cores", "ready", "0", 1.0)
        announce(redis, WorkerInfo(**{**info.__dict__, **says}), 600)

    return make


@pytest.mark.parametrize(
    ("spec", "without", "told", "enough"),
    [
        ({}, None, "no worker is there, and workers conduct sweeps", {}),
        (
            {"sampler": "optuna", "space": {"units": "8..32"}, "trials": 2},
            {"optuna": False},
            "Optuna is to choose the values, and no worker has it",
            {},
        ),
        (
            {"train": {"device": "gpu"}},
            {},
            "no worker takes jobs for a GPU now; start one with `fitq-worker --device gpu`",
            {"device": "gpu", "memory": 2**34},
        ),
        (
            {"train": {"model": MODEL}},
            {},
            "no worker that allows code takes jobs for any device now",
            {"allows_code": True},
        ),
    ],
    ids=["nobody", "optuna", "device", "code"],
)
def test_a_sweep_says_why_it_waits_until_a_worker_comes(
    queue, fitq, comes, spec, without, told, enough
):
    # Given a sweep, and no worker that can do what it needs
    if without is not None:
        comes(**without)
    Sweeping(Queue(queue)).submit(sweep_spec(**spec))
    # Then whoever looks at it is told, and who is there
    shown = fitq("sweep", "show")
    assert f"  waits    {told}" in shown.out
    if without is not None:
        assert "there are: blue (2 cores)" in shown.out
    assert fitq("sweep", "show", "--json").json["waits"].startswith(f"waiting: {told}")
    # When one comes that can
    comes("red", **enough)
    # Then nothing is missing
    assert "waits" not in fitq("sweep", "show").out
    assert fitq("sweep", "show", "--json").json["waits"] == ""


def test_whoever_follows_is_told_once_why_it_waits(queue, fitq, monkeypatch):
    # Given somebody who follows a sweep that nobody conducts, and which then is cancelled
    sweeping = Sweeping(Queue(queue))
    sweep = sweeping.submit(sweep_spec())
    looks = []

    def pause(seconds):
        looks.append(seconds)
        if len(looks) == 3:
            sweeping.cancel(sweeping.find(sweep.id))

    monkeypatch.setattr("fitq.leaderboard.time.sleep", pause)
    # When it is followed
    ran = fitq("sweep", "watch")
    # Then that is said once
    assert ran.code == 1
    assert ran.err.count("waiting: no worker is there") == 1


def test_a_sweep_comes_after_a_job(queue, fitq, comes, records, train_job):
    # Given a job that waits, one that was cancelled, and a worker
    comes()
    records.create(train_job(name="pretrained"))
    flags = ("--dataset", "mnist", "--model", "mlp", "--grid", "lr=1e-2,1e-3", "--name", "calm-fox")
    # When a sweep is to begin after the first
    ran = fitq("sweep", *flags, "--after", "pretrained", "--no-wait")
    # Then it says so, and the job is needed
    assert ran.code == 0, ran.err
    assert "waiting: after pretrained, which is queued" in ran.err
    assert "waits    after pretrained, which is queued" in fitq("sweep", "show").out
    fitq("cancel", "pretrained")
    assert "needed by the sweep calm-fox" in fitq("rm", "pretrained", "--yes").err
    # And after one that was cancelled none begins
    ran = fitq("sweep", *flags, "--after", "pretrained", "--no-wait")
    assert ran.code == 2
    assert "nothing can come after pretrained: it was cancelled" in ran.err


def test_the_trials_of_a_sweep_begin_from_a_model_that_is_yet_to_come(
    queue, fitq, records, train_job
):
    # Given a training that has not ended
    record = records.create(train_job(name="pretrained"))
    flags = ("--dataset", "mnist", "--model", "mlp", "--grid", "lr=1e-2,1e-3")
    # When a sweep comes after it, from its model
    ran = fitq("sweep", *flags, "--after", "pretrained", "--init-from", "pretrained", "--dry-run")
    # Then its trials name the model that is yet to come
    assert ran.code == 0, ran.err
    assert ran.json["train"]["init_from"]["pending"] is True
    assert ran.json["train"]["init_from"]["job"] == record.id
