"""`models`, `datasets`, `workers` and `version`: what there is."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import fitq as package
from fitq_shared.workers import WorkerInfo, announce

WORKER = WorkerInfo("token-1", "blue", "host-1", 123, "cpu", "4 cores", "ready", "0.1.0", 1.0)


def test_models_are_listed_with_their_options_and_defaults(fitq):
    models = fitq("models", "zoo", "--json").json
    assert set(models) == {"cnn", "mlp", "rnn"}
    assert models["mlp"]["options"] == {"units": [128], "dropout": [0.0], "activation": ["relu"]}
    ran = fitq("models", "zoo")
    assert ran.code == 0
    for name, model in models.items():
        assert f"{name}  {model['about']}" in ran.out
        assert all(option in ran.out for option in model["options"])


def test_data_sets_are_listed(fitq):
    datasets = {found["name"]: found for found in fitq("datasets", "--json").json}
    assert set(datasets) == {"mnist", "fashion_mnist"}
    assert datasets["mnist"]["train_rows"] == 60_000
    ran = fitq("datasets")
    assert ran.code == 0
    assert "28 × 28" in ran.out
    assert "fitq datasets describe" in ran.err


def test_a_data_set_that_is_not_known_is_met_with_the_nearest(fitq):
    ran = fitq("datasets", "describe", "minst")
    assert ran.code == 2
    assert "(did you mean 'mnist'?)" in ran.err


@pytest.mark.services
def test_a_data_set_that_was_measured_is_described_without_a_worker(fitq, store):
    found = {
        "name": "mnist",
        "title": "MNIST",
        "arrays": {"x_test": {"shape": [2, 28, 28], "dtype": "uint8", "min": 0, "max": 255}},
        "class_names": ["0", "1"],
        "counts": {"test": {"0": 980, "1": 1135}},
    }
    store.write("datasets/mnist/description.json", json.dumps(found).encode())
    assert fitq("datasets", "describe", "mnist", "--json").json == found
    ran = fitq("datasets", "describe", "mnist")
    assert ran.code == 0
    assert "2 × 28 × 28" in ran.out
    assert "1135" in ran.out


@pytest.mark.services
def test_without_workers_i_am_told_how_to_start_one(queue, fitq):
    ran = fitq("workers")
    assert (ran.code, ran.out) == (0, "")
    assert "start one with `fitq-worker`" in ran.err
    assert fitq("workers", "--json").json == []


@pytest.mark.services
def test_a_worker_that_waits_says_for_whom(queue, fitq, redis):
    info = replace(WORKER, device="gpu", state="waiting", waits_for="held by gpu0@host-1")
    announce(redis, info, 60)
    assert "waiting: held by gpu0@host-1" in fitq("workers").out
    (listed,) = fitq("workers", "--json").json
    assert (listed["state"], listed["waits_for"]) == ("waiting", "held by gpu0@host-1")
    assert (listed["devices"], listed["share"], listed["memory"]) == (1, 1.0, None)


@pytest.mark.services
def test_workers_are_listed_with_what_they_do(queue, fitq, redis, records, train_job, claim):
    # Given a worker that runs a job, one that is idle, and one that waits for its device
    record = records.create(train_job())
    busy = replace(WORKER, token=claim(record).token)
    announce(redis, busy, 60)
    announce(redis, replace(WORKER, token="token-2", name="cyan"), 60)
    announce(redis, replace(WORKER, token="token-3", name="dark", state="waiting"), 60)

    # When they are listed
    listed = fitq("workers", "--json")

    # Then each says what it does, and no token is shown
    assert [(w["name"], w["state"], w["job"]) for w in listed.json] == [
        ("blue", "busy", "brave-otter"),
        ("cyan", "idle", None),
        ("dark", "waiting", None),
    ]
    assert busy.token not in listed.out
    ran = fitq("workers")
    assert "brave-otter" in ran.out
    assert [line.split()[0] for line in ran.out.splitlines()] == ["name", "blue", "cyan", "dark"]


def test_the_versions_are_told(fitq):
    versions = fitq("version", "--json").json
    assert versions["fitq"] == package.__version__
    assert versions["job schema"] == "1"
    ran = fitq("version")
    assert ran.code == 0
    assert all(version in ran.out for version in versions.values())
