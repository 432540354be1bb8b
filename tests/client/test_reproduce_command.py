"""`fitq reproduce` and `fitq models export`: what they submit, and how the report reads."""

from __future__ import annotations

import json

import pytest

from fitq.reproductions import lines_of
from fitq_shared.attempt_folder import AttemptFolder

pytestmark = pytest.mark.services


def test_it_asks_for_the_threads_and_the_device_that_there_were(fitq, succeeded, train_job):
    # Given a training for any device, that ran on a CPU with four threads
    environment = json.dumps({"device": {"kind": "cpu"}})
    record = succeeded(train_job(model_name="mnist"), {AttemptFolder.environment: environment})
    # When it is to be done again
    spec = fitq("reproduce", "mnist@1", "--dry-run").json
    # Then
    assert spec["model"]["job"] == record.id
    assert (spec["threads"], spec["device"], spec["code"]) == (4, "cpu", False)
    assert fitq("reproduce", "mnist@1", "--device", "any", "--dry-run").json["device"] == "any"


def test_the_threads_are_there_before_any_worker_has_claimed_it(
    records, train_job, fitq, succeeded
):
    environment = json.dumps({"device": {"kind": "cpu"}})
    succeeded(train_job(name="first"), {AttemptFolder.environment: environment})
    queued = fitq("reproduce", "first", "--no-wait", "--json").json
    assert queued["threads"] == 4
    # And stay when it is begun afresh
    fitq("cancel", queued["id"])
    assert fitq("retry", queued["id"], "--fresh", "--no-wait").code == 0
    assert records.get(queued["id"]).threads == 4


def test_only_what_has_succeeded_can_be_done_again(fitq, queue, records, train_job):
    record = records.create(train_job())
    ran = fitq("reproduce", record.id)
    assert ran.code == 2
    assert "has no model: the job is queued" in ran.err


def test_an_export_names_model_and_format(fitq, succeeded, train_job):
    succeeded(train_job(model_name="mnist"))
    spec = fitq("models", "export", "mnist", "--format", "savedmodel", "--dry-run").json
    assert (spec["model"]["name"], spec["format"]) == ("mnist@1", "savedmodel")
    wrong = fitq("models", "export", "mnist", "--format", "onx")
    assert wrong.code == 2
    assert "did you mean 'onnx'" in wrong.err
    early = fitq("models", "export", "mnist", "--format", "onnx", "--output", "x", "--no-wait")
    assert "there is nothing to copy yet" in early.err


def test_the_report_reads_as_what_differs():
    report = {
        "identical": False,
        "weights": {
            "count": 4,
            "differing": [
                {"name": "layers/dense/vars/0", "differing": 3, "of": 6, "largest": 1.25e-7},
                {"name": "layers/dense/vars/1", "first": "float32 (2,)", "second": "missing"},
            ],
        },
        "epochs": {
            "count": 2,
            "differing": [
                {"epoch": 1, "values": {"loss": [0.5, 0.25]}},
                {"epoch": 2, "missing": "second"},
            ],
        },
        "circumstances": [
            {"name": "threads", "first": 2, "second": 4, "same": False},
            {"name": "data", "first": "a", "second": "a", "same": True},
        ],
    }
    assert list(lines_of(report)) == [
        "not identical: 2 of 4 weights differ, 2 of 2 epochs differ",
        "  layers/dense/vars/0: 3 of 6 numbers, by up to 1.25e-07",
        "  layers/dense/vars/1: float32 (2,), now missing",
        "  epoch 1: loss 0.5, now 0.25",
        "  epoch 2: this one has none",
        "  threads: 2, now 4",
        "the same: data",
    ]
