from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fitq.model_references import find_model
from fitq.queue import Queue
from fitq_shared.attempt_folder import MANIFEST, AttemptFolder
from fitq_shared.catalogue import DATASETS
from fitq_shared.record import JobRecord
from fitq_shared.specs.base import ModelRef

Run = Callable[..., JobRecord]
Arrays = dict[str, NDArray[np.uint8]]


@pytest.fixture(scope="module")
def evaluate(queue: Queue, reference: ModelRef, fill: Any, finish: Run) -> Callable[..., Any]:
    """Evaluate the trained model; gives the record, metrics.json and confusion.json."""

    def run(**changes: Any) -> tuple[JobRecord, dict[str, float], dict[str, Any]]:
        values = {"kind": "evaluate", "model": reference, "dataset": "mnist", "batch_size": 2048}
        record = finish(fill(**{**values, **changes}))
        folder = queue.artifacts.folder(record)
        kept = [AttemptFolder.metrics, AttemptFolder.confusion]
        return record, *(json.loads(folder.read(name)) for name in kept)

    return run


@pytest.fixture(scope="module")
def on_test(evaluate: Callable[..., Any]) -> Any:
    return evaluate()


def test_all_artifacts_are_there(client: Queue, on_test: Any) -> None:
    record = on_test[0]
    folder = client.artifacts.folder(record)
    expected = {
        AttemptFolder.spec,
        AttemptFolder.environment,
        AttemptFolder.log,
        AttemptFolder.metrics,
        AttemptFolder.confusion,
        AttemptFolder.confusion_plot,
    }
    assert set(folder.files()) == {*expected, MANIFEST}
    assert set(folder.sums(record.manifest)) == expected
    assert folder.read(AttemptFolder.confusion_plot).startswith(b"\x89PNG")


def test_the_confusion_matrix_counts_every_row(on_test: Any, mnist: Arrays) -> None:
    # Given the evaluation on the test split
    _, metrics, confusion = on_test
    matrix = np.array(confusion["matrix"])
    # Then each row of the matrix is a class with all its images, and the diagonal is what is right
    assert matrix.sum(axis=1).tolist() == np.bincount(mnist["y_test"]).tolist()
    assert np.trace(matrix) / matrix.sum() == pytest.approx(metrics["accuracy"])
    assert metrics["rows"] == matrix.sum() == 10_000
    assert confusion["class_names"] == list(DATASETS["mnist"].class_names)


def test_the_record_has_the_metrics(on_test: Any) -> None:
    record, metrics, _ = on_test
    assert record.metrics == {name: metrics[name] for name in ("loss", "accuracy")}


def test_the_train_split_is_all_of_it(evaluate: Any, on_test: Any, mnist: Arrays) -> None:
    record, metrics, confusion = evaluate(split="train")
    assert metrics["rows"] == 60_000
    matrix = np.array(confusion["matrix"])
    assert matrix.sum(axis=1).tolist() == np.bincount(mnist["y_train"]).tolist()
    assert metrics["loss"] != on_test[1]["loss"]
    assert record.summary.endswith("on mnist train")


def test_another_data_set_is_measured_by_its_own_labels(evaluate: Any, on_test: Any) -> None:
    # Given a model of digits that is shown clothes
    _, metrics, confusion = evaluate(dataset="fashion_mnist")
    # Then it is bad at them, and the matrix has the clothes' names
    assert metrics["accuracy"] < 0.4 < on_test[1]["accuracy"]
    assert confusion["class_names"] == list(DATASETS["fashion_mnist"].class_names)
    assert np.array(confusion["matrix"]).sum(axis=1).tolist() == [1000] * 10


def test_the_batch_size_changes_nothing(evaluate: Any, on_test: Any) -> None:
    _, metrics, confusion = evaluate(batch_size=333)
    assert metrics["accuracy"] == pytest.approx(on_test[1]["accuracy"], abs=2e-4)
    assert metrics["loss"] == pytest.approx(on_test[1]["loss"], rel=1e-4)
    assert np.abs(np.array(confusion["matrix"]) - on_test[2]["matrix"]).sum() <= 4


def test_a_loss_that_takes_one_hot_labels_is_measured_too(
    train: Run, client: Queue, evaluate: Any
) -> None:
    # Given a model that was trained with such a loss and such metrics
    trained = train(loss="categorical_crossentropy", metrics=["precision", "auc"], batch_size=512)
    # When it is evaluated
    _, metrics, confusion = evaluate(model=find_model(client, trained.id)[1])
    # Then its own metrics are measured
    assert set(metrics) == {"loss", "precision", "auc", "rows"}
    assert metrics["auc"] > 0.6
    assert np.array(confusion["matrix"]).sum() == 10_000


def test_a_model_that_was_damaged_is_refused(
    train: Run, client: Queue, fill: Any, finish: Run
) -> None:
    # Given a published model, the file of which is changed later
    trained = train()
    reference = find_model(client, trained.id)[1]
    client.artifacts.folder(trained).write(AttemptFolder.model, b"something else")
    # When it is to be evaluated
    record = finish(fill(kind="evaluate", model=reference, dataset="mnist"), "failed")
    # Then the job fails because of the store, and names the file
    assert record.reason is not None
    assert record.reason.kind == "store"
    assert "model.keras is damaged" in record.reason.message
