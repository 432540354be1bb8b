from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from fitq.queue import Queue
from fitq_shared.attempt_folder import MANIFEST, AttemptFolder
from fitq_shared.catalogue import DATASETS
from fitq_shared.record import JobRecord
from fitq_shared.specs.base import ModelRef

Run = Callable[..., JobRecord]
Arrays = dict[str, NDArray[Any]]

NAMES = list(DATASETS["mnist"].class_names)


@pytest.fixture
def predict(client: Queue, reference: ModelRef, fill: Any, finish: Run) -> Run:
    """Predict these rows with the trained model."""

    def run(rows: dict[str, Any], state: str = "succeeded", **changes: Any) -> JobRecord:
        values = {"kind": "predict", "model": reference, "rows": rows, "batch_size": 1024}
        return finish(fill(**{**values, **changes}), state)

    return run


@pytest.fixture
def file_rows(client: Queue) -> Callable[..., dict[str, Any]]:
    """Put a file into the store, as `fitq predict` does, but without looking into it."""

    def upload(file: Path, array: str | None = None) -> dict[str, Any]:
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        path = f"inputs/{sha256}{file.suffix}"
        client.artifacts.upload(file, path)
        return {"type": "file", "path": path, "sha256": sha256, "array": array, "file": file.name}

    return upload


@pytest.fixture
def npy(tmp_path: Path, mnist: Arrays) -> Path:
    """The first 120 test images."""
    path = tmp_path / "images.npy"
    np.save(path, mnist["x_test"][:120])
    return path


def arrays(client: Queue, record: JobRecord) -> Arrays:
    content = io.BytesIO(client.artifacts.folder(record).read(AttemptFolder.predictions_npz))
    with np.load(content, allow_pickle=False) as found:
        return dict(found)


@pytest.fixture
def expected(client: Queue, trained: JobRecord, mnist: Arrays) -> NDArray[np.float32]:
    """What plain Keras predicts for the first 120 test images."""
    model = keras.models.load_model(client.artifacts.folder(trained).local(AttemptFolder.model))
    return model.predict(mnist["x_test"][:120], verbose=0)


def test_an_npy_gives_classes_names_and_probabilities(
    client: Queue, predict: Run, file_rows: Any, npy: Path, expected: NDArray[np.float32]
) -> None:
    # Given raw images in a file
    record = predict(file_rows(npy))
    # Then each row has the probabilities that plain Keras gives, and the class of the highest
    found = arrays(client, record)
    assert set(found) == {"classes", "class_names", "probabilities"}
    np.testing.assert_allclose(found["probabilities"], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["probabilities"].sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(found["classes"], found["probabilities"].argmax(axis=1))
    assert found["class_names"].tolist() == NAMES
    assert record.metrics == {"rows": 120}


def test_artifacts_of_a_file_s_prediction(
    client: Queue, predict: Run, file_rows: Any, npy: Path
) -> None:
    record = predict(file_rows(npy))
    folder = client.artifacts.folder(record)
    assert set(folder.files()) == {
        AttemptFolder.spec,
        AttemptFolder.environment,
        AttemptFolder.log,
        AttemptFolder.metrics,
        AttemptFolder.predictions_npz,
        AttemptFolder.predictions_head,
        MANIFEST,
    }


def test_the_head_shows_the_first_hundred(
    client: Queue, predict: Run, file_rows: Any, npy: Path
) -> None:
    # Given 120 rows
    record = predict(file_rows(npy))
    head: Any = client.artifacts.folder(record).read_json(AttemptFolder.predictions_head)
    found = arrays(client, record)
    # Then the head has a hundred, each with its class, the class's name and its probability
    assert [row["row"] for row in head] == list(range(100))
    for row in head:
        label = found["classes"][row["row"]]
        assert (row["class"], row["name"]) == (label, NAMES[label])
        assert row["probability"] == pytest.approx(float(found["probabilities"][row["row"]].max()))
        assert "true" not in row


def test_one_array_of_an_npz_is_chosen(
    client: Queue,
    predict: Run,
    file_rows: Any,
    tmp_path: Path,
    mnist: Arrays,
    expected: NDArray[np.float32],
) -> None:
    # Given a file of two arrays
    path = tmp_path / "two.npz"
    np.savez_compressed(path, other=mnist["x_train"][:3], images=mnist["x_test"][:120])
    record = predict(file_rows(path, "images"))
    # Then the one that was named is predicted
    np.testing.assert_allclose(
        arrays(client, record)["probabilities"], expected, rtol=1e-4, atol=1e-6
    )


def test_csv_has_a_line_for_each_row(
    client: Queue, predict: Run, file_rows: Any, npy: Path, expected: NDArray[np.float32]
) -> None:
    # Given the wish for CSV
    record = predict(file_rows(npy), output_format="csv")
    folder = client.artifacts.folder(record)
    # Then there is a CSV instead of the npz, with the same numbers
    assert not folder.exists(AttemptFolder.predictions_npz)
    lines = folder.read(AttemptFolder.predictions_csv).decode().splitlines()
    rows = list(csv.DictReader(lines))
    assert lines[0].split(",") == ["row", "class", "name", *(f"p_{name}" for name in NAMES)]
    shares = np.array([[float(row[f"p_{name}"]) for name in NAMES] for row in rows])
    np.testing.assert_allclose(shares, expected, rtol=1e-4, atol=1e-6)
    assert [int(row["row"]) for row in rows] == list(range(120))
    assert [int(row["class"]) for row in rows] == shares.argmax(axis=1).tolist()
    assert all(row["name"] == NAMES[int(row["class"])] for row in rows)


def test_a_data_set_is_predicted_with_its_truth(
    client: Queue, predict: Run, reference: ModelRef, fill: Any, finish: Run, mnist: Arrays
) -> None:
    # Given the accuracy that an evaluation finds
    evaluated = finish(fill(kind="evaluate", model=reference, dataset="mnist"))
    assert evaluated.metrics is not None
    # When the same split is predicted
    record = predict({"type": "dataset", "dataset": "mnist", "split": "test"})
    # Then as many are right, and the truth is kept beside the predictions
    found = arrays(client, record)
    np.testing.assert_array_equal(found["true"], mnist["y_test"])
    assert record.metrics is not None
    assert record.metrics["rows"] == 10_000
    assert record.metrics["accuracy"] == pytest.approx(evaluated.metrics["accuracy"], abs=2e-4)
    assert (found["classes"] == found["true"]).mean() == record.metrics["accuracy"]
    folder = client.artifacts.folder(record)
    head: Any = folder.read_json(AttemptFolder.predictions_head)
    assert [row["true"] for row in head] == [NAMES[label] for label in mnist["y_test"][:100]]
    assert folder.read(AttemptFolder.predictions_plot).startswith(b"\x89PNG")
    assert json.loads(folder.read(AttemptFolder.metrics)) == record.metrics


def test_the_truth_is_in_the_csv_too(client: Queue, predict: Run, mnist: Arrays) -> None:
    record = predict({"type": "dataset", "dataset": "mnist", "split": "train"}, output_format="csv")
    lines = (
        client.artifacts.folder(record).read(AttemptFolder.predictions_csv).decode().splitlines()
    )
    rows = list(csv.DictReader(lines))
    assert [int(row["true"]) for row in rows] == mnist["y_train"].tolist()
    assert all(row["true_name"] == NAMES[int(row["true"])] for row in rows)


@pytest.mark.parametrize("shape", [(4, 28, 27), (28, 28), (0, 28, 28)])
def test_a_wrong_shape_is_found_on_the_worker(
    predict: Run, file_rows: Any, tmp_path: Path, shape: tuple[int, ...]
) -> None:
    # Given an array that no client has looked at
    np.save(tmp_path / "odd.npy", np.zeros(shape, np.uint8))
    record = predict(file_rows(tmp_path / "odd.npy"), "failed")
    # Then the job fails as the user's mistake, and both shapes are named
    assert record.reason is not None
    assert record.reason.kind == "bad-job"
    assert f"odd.npy has shape {shape}" in record.reason.message
    assert "(n, 28, 28)" in record.reason.message
    assert record.reason.hint


def test_text_instead_of_numbers_is_found_on_the_worker(
    predict: Run, file_rows: Any, tmp_path: Path
) -> None:
    np.save(tmp_path / "text.npy", np.full((2, 28, 28), "x"))
    record = predict(file_rows(tmp_path / "text.npy"), "failed")
    assert record.reason is not None
    assert record.reason.kind == "bad-job"
    assert "text.npy holds text" in record.reason.message
    assert "'image' takes uint8" in record.reason.message


def test_an_array_that_is_not_in_the_file(predict: Run, file_rows: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", images=np.zeros((1, 28, 28), np.uint8))
    record = predict(file_rows(tmp_path / "one.npz", "image"), "failed")
    assert record.reason is not None
    assert record.reason.kind == "bad-job"
    assert "did you mean 'images'" in record.reason.message


def test_a_file_that_was_changed_in_the_store_is_refused(
    client: Queue, predict: Run, file_rows: Any, tmp_path: Path
) -> None:
    # Given a file in the store that something else has since overwritten
    np.save(tmp_path / "mine.npy", np.full((3, 28, 28), 7, np.uint8))
    np.save(tmp_path / "theirs.npy", np.full((3, 28, 28), 8, np.uint8))
    rows = file_rows(tmp_path / "mine.npy")
    client.artifacts.store.write(rows["path"], (tmp_path / "theirs.npy").read_bytes())
    # Then the job fails, and nothing is predicted
    record = predict(rows, "failed")
    client.artifacts.store.remove(rows["path"])
    assert record.reason is not None
    assert record.reason.kind == "store"
    assert "is not the file that was submitted" in record.reason.message
    assert not client.artifacts.folder(record).exists(AttemptFolder.predictions_npz)


def test_a_file_that_was_never_uploaded(predict: Run) -> None:
    sha256 = "0" * 64
    rows = {"type": "file", "path": f"inputs/{sha256}.npy", "sha256": sha256, "file": "x.npy"}
    record = predict(rows, "failed")
    assert record.reason is not None
    assert record.reason.kind == "store"
    assert "cannot read" in record.reason.message
