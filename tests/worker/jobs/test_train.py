"""Trainings on a real worker: what they leave behind, and how they end."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from fitq.queue import Queue
from fitq_shared.attempt_folder import MANIFEST, AttemptFolder
from fitq_shared.record import JobRecord
from fitq_shared.specs.kinds import parse_spec
from fitq_shared.specs.train import TrainJob
from fitq_worker.datasets.registry import KNOWN
from fitq_worker.jobs.train import title
from support.jobs import training, wait_for_epoch, wait_for_state
from support.worker import Worker

Run = Callable[..., JobRecord]
Arrays = dict[str, NDArray[np.uint8]]

ARTIFACTS = {
    AttemptFolder.spec,
    AttemptFolder.model,
    AttemptFolder.summary,
    AttemptFolder.history_csv,
    AttemptFolder.history_json,
    AttemptFolder.metrics,
    AttemptFolder.environment,
    AttemptFolder.log,
    AttemptFolder.model_plot,
    AttemptFolder.history_plot,
    AttemptFolder.heat_map,
    AttemptFolder.samples,
    "model.json",
    AttemptFolder.interface,
}


def history(client: Queue, record: JobRecord) -> list[dict[str, float]]:
    return json.loads(client.artifacts.folder(record).read(AttemptFolder.history_json))


def metrics(client: Queue, record: JobRecord) -> dict[str, float]:
    return json.loads(client.artifacts.folder(record).read(AttemptFolder.metrics))


def without_times(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{name: row[name] for name in row if name != "seconds"} for row in rows]


def load(client: Queue, record: JobRecord) -> keras.Model:
    path = client.artifacts.folder(record).local(AttemptFolder.model)
    return keras.models.load_model(path, safe_mode=True)


# -- artifacts --------------------------------------------------------------------------------


def test_all_artifacts_are_there_and_as_the_manifest_says(
    client: Queue, trained: JobRecord
) -> None:
    # Given a training that was published
    folder = client.artifacts.folder(trained)
    # Then its folder holds what a training makes, nothing else, and each is what was published
    assert set(folder.files()) == {*ARTIFACTS, MANIFEST}
    assert trained.manifest is not None
    sums = folder.sums(trained.manifest)
    assert set(sums) == ARTIFACTS
    for name, expected in sums.items():
        assert hashlib.sha256(folder.read(name)).hexdigest() == expected


def test_pictures_are_pictures(client: Queue, trained: JobRecord) -> None:
    folder = client.artifacts.folder(trained)
    for name in ARTIFACTS:
        if name.endswith(".png"):
            assert folder.read(name).startswith(b"\x89PNG"), name


def test_the_spec_that_ran_is_kept(client: Queue, trained: JobRecord) -> None:
    spec = parse_spec(client.artifacts.folder(trained).read_json(AttemptFolder.spec))
    assert spec.digest() == trained.spec_hash


def test_the_model_is_described_in_words_and_as_json(client: Queue, trained: JobRecord) -> None:
    folder = client.artifacts.folder(trained)
    model = load(client, trained)
    assert f"{model.count_params():,}" in folder.read(AttemptFolder.summary).decode()
    rebuilt = keras.models.model_from_json(folder.read("model.json").decode())
    assert rebuilt.count_params() == model.count_params()


def test_the_environment_names_worker_threads_and_seed(client: Queue, trained: JobRecord) -> None:
    found: Any = client.artifacts.folder(trained).read_json(AttemptFolder.environment)
    assert found["worker"] == trained.worker
    assert found["device"]["name"] == trained.device_name
    assert found["seed"] == 1
    assert found["packages"]["keras"] == keras.__version__


def test_the_log_tells_how_it_went(client: Queue, trained: JobRecord) -> None:
    log = client.artifacts.folder(trained).read(AttemptFolder.log).decode()
    assert f"train {trained.name}: mlp on mnist, 2 epochs" in log
    assert "training on 48000 rows, validating on 12000" in log
    assert "12,730 parameters" in log
    assert "done: " in log


# -- numbers ----------------------------------------------------------------------------------


def test_history_has_one_row_for_each_epoch(client: Queue, trained: JobRecord) -> None:
    folder = client.artifacts.folder(trained)
    rows = history(client, trained)
    assert [row["epoch"] for row in rows] == [1, 2]
    lines = folder.read(AttemptFolder.history_csv).decode().splitlines()
    in_csv = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(lines)]
    assert in_csv == rows
    assert rows[1]["loss"] < rows[0]["loss"]
    assert rows[0]["learning_rate"] == pytest.approx(0.001)


def test_the_metrics_are_those_of_the_last_epoch(client: Queue, trained: JobRecord) -> None:
    rows = history(client, trained)
    kept = metrics(client, trained)
    assert kept == trained.metrics
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert kept[name] == rows[-1][name]
    assert kept["epochs"] == 2
    assert kept["seconds"] == pytest.approx(sum(row["seconds"] for row in rows))


def test_plain_keras_gives_the_numbers_of_the_evaluation(
    client: Queue, trained: JobRecord, reference: Any, fill: Any, finish: Run, mnist: Arrays
) -> None:
    # Given the numbers of an evaluation job
    evaluated = finish(fill(kind="evaluate", model=reference, dataset="mnist"))
    expected = metrics(client, evaluated)
    # When plain Keras loads the published file and sees the raw test images
    model = load(client, trained)
    found = model.evaluate(mnist["x_test"], mnist["y_test"], verbose=0, return_dict=True)
    # Then it finds the same
    assert found["accuracy"] == pytest.approx(expected["accuracy"], abs=1e-7)
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    assert expected["accuracy"] > 0.5


def test_the_rows_held_back_are_the_last_ones(
    client: Queue, trained: JobRecord, mnist: Arrays
) -> None:
    # Given the last fifth of the training images, which no training has seen
    x, y = mnist["x_train"][48_000:], mnist["y_train"][48_000:]
    found = load(client, trained).evaluate(x, y, batch_size=2048, verbose=0, return_dict=True)
    # Then the model's validation was on them
    assert found["loss"] == pytest.approx(metrics(client, trained)["val_loss"], rel=1e-5)
    assert found["accuracy"] == pytest.approx(metrics(client, trained)["val_accuracy"], abs=1e-6)


def test_the_same_seed_gives_the_same_bits(client: Queue, train: Run) -> None:
    # Given a model with dropout, trained twice with one seed, and once with another
    options = {"model": {"type": "mlp", "units": [16, 8], "dropout": 0.2}, "epochs": 2}
    one, two, other = (train(seed=seed, **options) for seed in (5, 5, 6))
    # Then the first two are the same to the last bit, in weights and history
    weights = [load(client, record).get_weights() for record in (one, two, other)]
    for first, second in zip(weights[0], weights[1], strict=True):
        np.testing.assert_array_equal(first, second)
    assert without_times(history(client, one)) == without_times(history(client, two))
    # And the third is another
    assert not np.array_equal(weights[0][0], weights[2][0])
    assert without_times(history(client, one)) != without_times(history(client, other))


# -- models, losses, metrics ------------------------------------------------------------------


@pytest.mark.parametrize("dataset", sorted(KNOWN))
@pytest.mark.parametrize(
    "model",
    [
        {"type": "mlp", "units": [16], "dropout": 0.1},
        {"type": "cnn", "filters": [1], "kernel_size": 2, "units": 4},
        {"type": "rnn", "units": [4], "cell": "gru"},
    ],
    ids=lambda model: model["type"],
)
def test_each_model_trains_on_each_data_set(
    client: Queue, train: Run, model: dict[str, Any], dataset: str
) -> None:
    # Given a training of one epoch
    record = train(model=model, dataset=dataset, validation_split=0.9)
    # Then the model that was asked for was published
    loaded = load(client, record)
    assert loaded.name == model["type"]
    assert loaded.output_shape == (None, 10)
    assert record.summary == f"{model['type']} on {dataset}, 1 epoch"
    assert set(client.artifacts.folder(record).files()) == {*ARTIFACTS, MANIFEST}


@pytest.mark.parametrize(
    "loss",
    [
        *("sparse_categorical_crossentropy", "categorical_crossentropy", "kl_divergence"),
        *("categorical_focal_crossentropy", "categorical_hinge"),
        *("mean_absolute_error", "mean_squared_error"),
    ],
)
def test_each_loss_is_the_one_that_is_measured(
    client: Queue, train: Run, mnist: Arrays, loss: str
) -> None:
    # Given a training with this loss
    record = train(loss=loss, batch_size=8192)
    # When the same loss is taken of what its model says of the rows held back
    x, y = mnist["x_train"][30_000:], mnist["y_train"][30_000:].astype("int32")
    probabilities = load(client, record).predict(x, batch_size=8192, verbose=0)
    truth = y if loss.startswith("sparse_") else np.eye(10, dtype="float32")[y]
    expected = float(np.mean(keras.losses.get(loss)(truth, probabilities)))
    # Then it is the loss that the training has noted
    assert history(client, record)[-1]["val_loss"] == pytest.approx(expected, rel=1e-3)


def test_each_metric_is_measured_in_training_and_validation(client: Queue, train: Run) -> None:
    # Given a training with all metrics there are
    names = ["accuracy", "top_5_accuracy", "precision", "recall", "auc"]
    record = train(loss="categorical_crossentropy", metrics=names, batch_size=1024)
    # Then each is in the history by its name, a share, and better than chance where that is known
    row = history(client, record)[-1]
    for name in names:
        assert 0 <= row[name] <= 1
        assert 0 <= row[f"val_{name}"] <= 1
    assert row["val_top_5_accuracy"] > row["val_accuracy"] > 0.3
    assert row["val_auc"] > 0.6


def test_whole_number_labels_have_their_metrics_too(client: Queue, train: Run) -> None:
    record = train(metrics=["top_5_accuracy"])
    row = history(client, record)[-1]
    assert row["val_top_5_accuracy"] > 0.5
    assert "accuracy" not in row


def test_without_metrics_and_validation_there_is_the_loss(client: Queue, train: Run) -> None:
    record = train(metrics=[], validation_split=0.0)
    (row,) = history(client, record)
    assert set(row) == {"epoch", "loss", "learning_rate", "seconds"}


# -- early stopping ---------------------------------------------------------------------------


def assert_metrics_are_of_the_model(client: Queue, record: JobRecord, mnist: Arrays) -> None:
    """The published weights give the published validation loss."""
    x, y = mnist["x_train"][30_000:], mnist["y_train"][30_000:]
    found = load(client, record).evaluate(x, y, batch_size=2048, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(metrics(client, record)["val_loss"], rel=1e-4)


def test_early_stopping_goes_back_to_the_best_epoch(
    client: Queue, train: Run, mnist: Arrays
) -> None:
    # Given a learning rate with which the loss soon goes up
    record = train(
        epochs=40,
        batch_size=512,
        optimizer={"name": "sgd", "learning_rate": 2.5},
        early_stopping={"monitor": "val_loss", "patience": 2},
    )
    # Then the training stops early, and its numbers are those of its best epoch
    rows = history(client, record)
    kept = metrics(client, record)
    assert 3 <= len(rows) < 40
    assert kept["epochs"] == len(rows)
    best = min(rows, key=lambda row: row["val_loss"])
    assert best["epoch"] == len(rows) - 2
    assert kept["val_loss"] == best["val_loss"]
    assert kept["val_accuracy"] == best["val_accuracy"]
    # And so is its model
    assert_metrics_are_of_the_model(client, record, mnist)


def test_early_stopping_counts_improvements_that_are_large_enough(
    client: Queue, train: Run, mnist: Arrays
) -> None:
    # Given an improvement that no epoch after the first can reach
    record = train(
        epochs=9, early_stopping={"monitor": "val_loss", "patience": 1, "min_delta": 50.0}
    )
    # Then the training stops, and model and numbers belong together
    assert len(history(client, record)) == 2
    assert_metrics_are_of_the_model(client, record, mnist)


def test_early_stopping_without_going_back_keeps_the_last_epoch(
    client: Queue, train: Run, mnist: Arrays
) -> None:
    record = train(
        epochs=9,
        early_stopping={
            "monitor": "val_loss",
            "patience": 1,
            "min_delta": 50.0,
            "restore_best_weights": False,
        },
    )
    rows = history(client, record)
    assert len(rows) == 2
    assert metrics(client, record)["val_loss"] == rows[-1]["val_loss"]
    assert_metrics_are_of_the_model(client, record, mnist)


@pytest.mark.parametrize("monitor", ["val_top_5_accuracy", "auc"])
def test_a_metric_that_grows_is_better_when_it_is_higher(
    client: Queue, train: Run, monitor: str
) -> None:
    # Given a training that gets better, and waits for the metric to grow
    record = train(
        epochs=2,
        loss="categorical_crossentropy",
        metrics=["top_5_accuracy", "auc"],
        early_stopping={"monitor": monitor, "patience": 0},
    )
    # Then it goes on for as long as the metric grows, and keeps the highest
    rows = history(client, record)
    assert metrics(client, record)[monitor] == max(row[monitor] for row in rows)
    assert len(rows) > 1


# -- other ends -------------------------------------------------------------------------------


def test_a_cancelled_training_stops_and_the_child_takes_the_next_job(
    client: Queue, train: Run, shared_worker: Worker
) -> None:
    # Given a long training that has finished an epoch
    child = shared_worker.child().pid
    record = client.submit(training(client, epochs=10_000))
    wait_for_epoch(client, record)
    # When it is cancelled
    assert client.cancel(record) == "stopping"
    # Then it ends as cancelled, with the history up to there, and without a model
    ended = wait_for_state(client, record, "cancelled", "succeeded", "failed")
    assert ended.state == "cancelled"
    rows = history(client, ended)
    assert 1 <= len(rows) < 10_000
    assert not client.artifacts.folder(ended).exists(AttemptFolder.model)
    assert not client.artifacts.folder(ended).exists(MANIFEST)
    assert "stopped: cancel" in client.artifacts.folder(ended).read(AttemptFolder.log).decode()
    # And the next job runs in the same child, which has Keras
    train()
    assert shared_worker.child().pid == child


def test_a_loss_that_is_no_number_fails_the_training(
    client: Queue, train: Run, shared_worker: Worker
) -> None:
    # Given a learning rate that no training survives
    child = shared_worker.child().pid
    record = train(
        "failed",
        model={"type": "mlp", "units": [64] * 4},
        optimizer={"name": "sgd", "learning_rate": 100.0},
        epochs=20,
        batch_size=128,
    )
    # Then the reason says where, and what to do
    assert record.reason is not None
    assert record.reason.kind == "diverged"
    assert record.reason.message.startswith(("the loss became nan", "the loss became inf"))
    assert "in epoch 1, batch " in record.reason.message
    assert "learning rate (--learning-rate)" in record.reason.hint
    # And nothing was published; what is there is listed, and the log has the reason too
    assert record.manifest is None
    folder = client.artifacts.folder(record)
    assert not folder.exists(AttemptFolder.model)
    assert AttemptFolder.log in folder.read_json(MANIFEST)
    assert record.reason.message in folder.read(AttemptFolder.log).decode()
    assert shared_worker.child().pid == child


def test_a_model_far_too_large_fails_and_the_next_job_runs(
    train: Run, shared_worker: Worker
) -> None:
    # Given a layer of more weights than any address space holds
    child = shared_worker.child().pid
    model = {"type": "cnn", "filters": [1_000_000, 10_000_000], "units": 1, "dropout": 0}
    record = train("failed", model=model)
    # Then the reason says whose memory was too small, and what to do
    assert record.reason is not None
    assert record.reason.kind == "out-of-memory"
    assert "the host's memory is not enough" in record.reason.message
    assert "smaller batch" in record.reason.hint
    assert (record.attempt, record.losses) == (1, 0)
    # And the next job runs, in the same child
    train()
    assert shared_worker.child().pid == child


def test_the_history_s_picture_names_the_model_as_its_owner_does() -> None:
    # Given a job whose model is a function in a file
    bundle = {"path": f"inputs/{'a' * 64}.tar", "sha256": "a" * 64, "file": "net.py"}
    code = {"type": "code", "bundle": bundle, "module": "net", "function": "build"}
    named = {"name": "mine", "owner": "tester"}
    spec = parse_spec({**named, "kind": "train", "dataset": "mnist", "model": code})
    assert isinstance(spec, TrainJob)
    # Then the title does not say what fitq calls that
    assert title("mine", spec) == "mine: net.py:build on mnist"
