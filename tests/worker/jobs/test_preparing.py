"""Tables, images and texts through a worker: prepared, divided, trained on, and predicted."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fitq.data.registering import add
from fitq.data.source import Declared
from fitq.model_references import find_model
from fitq.prediction_rows import rows_of
from fitq.queue import Queue
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.model_version import ModelVersion
from fitq_shared.record import JobRecord
from fitq_shared.specs.datasets import DatasetRef

Run = Callable[..., JobRecord]
Predict = Callable[..., JobRecord]

CITIES = ("oslo", "rome", "bern")


@pytest.fixture
def predict(queue: Queue, fill: Any, finish: Run) -> Predict:
    """Predict these files with the model of a training, as `fitq predict` does."""

    def run(
        trained: JobRecord, *files: Path, state: str = "succeeded", **changes: Any
    ) -> JobRecord:
        inputs: Any = queue.artifacts.folder(trained).read_json(AttemptFolder.interface)
        with rows_of(files, None, inputs["inputs"]) as (rows, upload):
            queue.artifacts.upload(upload.content, upload.path)
            reference = find_model(queue, trained.id)[1]
            values = {"kind": "predict", "model": reference, "rows": rows, "batch_size": 64}
            return finish(fill(**{**values, **changes}), state)

    return run


@pytest.fixture(scope="session")
def homes(queue: Queue, tmp_path_factory: pytest.TempPathFactory) -> DatasetRef:
    """A table with missing numbers, categories, and a column of groups; no test part."""
    random = np.random.default_rng(3)
    lines = [["area", "city", "street", "quick"]]
    for number in range(240):
        city = CITIES[number % 3]
        area = random.normal(90, 30)
        quick = "yes" if area + 20 * (city == "rome") > 90 else "no"
        shown = "NA" if number % 11 == 0 else f"{area:.2f}"
        lines.append([shown, city, f"street {number // 6}", quick])
    path = tmp_path_factory.mktemp("homes") / "homes.csv"
    path.write_text("\n".join(",".join(line) for line in lines) + "\n")
    declared = Declared(targets=("quick",), missing=("NA",), types={"street": "category"})
    return add(
        queue.artifacts.store, "homes", str(path), declared, "ann", lambda *_: None
    ).registration.ref


@pytest.fixture(scope="session")
def of_homes(train: Run, homes: DatasetRef) -> JobRecord:
    """A model by name of that table, with nothing declared but the split."""
    return train(
        dataset=homes.model_dump(),
        model={"type": "mlp", "units": [8]},
        split={"by": "group", "column": "street", "test_split": 0.25},
        validation_split=0.25,
        epochs=3,
        batch_size=16,
    )


def csv_of(queue: Queue, record: JobRecord) -> list[dict[str, str]]:
    content = queue.artifacts.folder(record).read(AttemptFolder.predictions_csv).decode()
    return list(csv.DictReader(io.StringIO(content)))


def test_a_table_with_categories_is_trained_on_and_its_rows_predicted(
    queue: Queue, of_homes: JobRecord, predict: Predict, tmp_path: Path
) -> None:
    # Given rows in another order of columns, one number missing, one city never seen
    path = tmp_path / "rows.csv"
    path.write_text("city;note;area\nrome;x;150.5\nbern;y;NA\nparis;z;20\n")
    # When they are predicted
    record = predict(of_homes, path, output_format="csv")
    # Then each row has what plain Keras says of it, with the saved model alone
    found = csv_of(queue, record)
    model = keras.models.load_model(queue.artifacts.folder(of_homes).local(AttemptFolder.model))
    raw = {
        "area": np.array([150.5, np.nan, 20.0]),
        "city": np.array(["rome", "bern", "paris"], object),
    }
    expected = model.predict(raw, verbose=0)
    shares = np.array([[float(row[f"p_{name}"]) for name in ("no", "yes")] for row in found])
    np.testing.assert_allclose(shares, expected, rtol=1e-4, atol=1e-6)
    # And the column by which rows were grouped is no input
    assert [tensor.name for tensor in model.inputs] == ["area", "city"]


def test_the_rows_held_out_are_found_again(
    queue: Queue, of_homes: JobRecord, fill: Any, finish: Run, homes: DatasetRef
) -> None:
    reference = find_model(queue, of_homes.id)[1]
    found = {}
    # Given a data set without a test part
    for split in ("validation", "test", "train"):
        values = {"kind": "evaluate", "model": reference, "dataset": homes.model_dump()}
        record = finish(fill(**values, split=split))
        assert record.metrics is not None
        found[split] = record.metrics
        what = "train split" if split == "train" else f"rows held out for {split}"
        assert (
            f": homes@1, {what}" in queue.artifacts.folder(record).read(AttemptFolder.log).decode()
        )
    # Then validation is what the training validated on
    history: Any = queue.artifacts.folder(of_homes).read_json(AttemptFolder.history_json)
    assert found["validation"]["loss"] == pytest.approx(history[-1]["val_loss"], rel=1e-4)
    assert len({metrics["loss"] for metrics in found.values()}) == 3
    # And a prediction of the test part is of those rows, a quarter in whole groups of six
    rows = {"type": "dataset", "dataset": homes.model_dump(), "split": "test"}
    record = finish(fill(kind="predict", model=reference, rows=rows))
    assert record.metrics is not None
    assert record.metrics["rows"] == 60
    assert record.metrics["accuracy"] == pytest.approx(found["test"]["accuracy"], abs=1e-6)


def test_all_rows_are_predicted_of_data_without_a_test_part(
    queue: Queue, of_homes: JobRecord, fill: Any, finish: Run, homes: DatasetRef
) -> None:
    # Given no split, When a prediction of the data set is asked for
    rows = {"type": "dataset", "dataset": homes.model_dump()}
    reference = find_model(queue, of_homes.id)[1]
    submitted = fill(kind="predict", model=reference, rows=rows)
    assert submitted.summary == f"{of_homes.name} on homes@1"
    record = finish(submitted)
    # Then it is of each row, and the record says so
    assert record.metrics is not None
    assert record.metrics["rows"] == 240
    assert record.summary == f"{of_homes.name} on homes@1 all"
    assert record.rows_used is not None
    assert (record.rows_used.split, record.rows_used.rows) == ("all", 240)


def test_rows_of_a_class_that_the_model_does_not_know_are_predicted_without_the_truth(
    queue: Queue, of_homes: JobRecord, fill: Any, finish: Run, tmp_path: Path
) -> None:
    # Given labelled rows, of which one is of a class that the training has not seen
    path = tmp_path / "more.csv"
    path.write_text("area,city,quick\n150,rome,yes\n30,paris,maybe\n20,bern,no\n")
    declared = Declared(targets=("quick",))
    registered = add(queue.artifacts.store, "more", str(path), declared, "ann", lambda *_: None)
    rows = {"type": "dataset", "dataset": registered.registration.ref.model_dump()}
    reference = find_model(queue, of_homes.id)[1]
    # When they are predicted
    record = finish(fill(kind="predict", model=reference, rows=rows, output_format="csv"))
    # Then each is, and the truth of that one is left out
    found = csv_of(queue, record)
    assert [row["true_name"] for row in found] == ["yes", "", "no"]
    assert [row["true"] for row in found] == ["1", "", "0"]
    right = [row["name"] == row["true_name"] for row in found if row["true"]]
    metrics = {"rows": 3, "without_truth": 1, "accuracy": sum(right) / 2}
    assert record.metrics == metrics
    log = queue.artifacts.folder(record).read(AttemptFolder.log).decode()
    assert "the classes 'maybe' of 'quick': what is true of 1 row is left out" in log
    head: Any = queue.artifacts.folder(record).read_json(AttemptFolder.predictions_head)
    assert [row["true"] for row in head] == ["yes", None, "no"]


def test_rows_that_validated_are_not_called_test_rows(
    train: Run, queue: Queue, fill: Any, finish: Run, homes: DatasetRef
) -> None:
    # Given data without a test part, and a training that held out rows to validate alone
    data = homes.model_dump()
    trained = train(dataset=data, validation_split=0.25, epochs=1, batch_size=64)
    # When its model is evaluated
    record = finish(fill(kind="evaluate", model=find_model(queue, trained.id)[1], dataset=data))
    # Then it says on which rows it was measured
    log = queue.artifacts.folder(record).read(AttemptFolder.log).decode()
    assert "measures 60 rows: homes@1, rows held out for validation" in log
    assert record.summary == f"{trained.name} on homes@1 validation"
    assert record.rows_used is not None
    assert (record.rows_used.split, record.rows_used.rows) == ("validation", 60)
    # And no others are taken for test rows, if these are asked for
    asked = fill(
        kind="evaluate", model=find_model(queue, trained.id)[1], dataset=data, split="test"
    )
    refused = finish(asked, "failed")
    assert refused.reason is not None
    assert "held out no rows of homes@1 for test" in refused.reason.message
    assert "use --split validation" in refused.reason.hint


def test_a_holder_is_measured_on_the_rows_that_the_other_training_held_out(
    train: Run, queue: Queue, fill: Any, finish: Run, homes: DatasetRef
) -> None:
    # Given two trainings that have drawn different rows to validate on, and the first promoted
    data = homes.model_dump()
    options = {"dataset": data, "split": "shuffled", "validation_split": 0.25, "batch_size": 64}
    for seed in (1, 2):
        train(**options, seed=seed, epochs=seed, model_name="drawn")
    first, second = queue.registry.model("drawn").versions
    queue.registry.promote(first, "best", "ann")

    def evaluated(version: ModelVersion) -> JobRecord:
        reference = find_model(queue, version.label)[1]
        return finish(fill(kind="evaluate", model=reference, dataset=data))

    own, other = evaluated(first), evaluated(second)
    assert own.summary.endswith("validation")
    assert own.rows_used != other.rows_used
    # When the second is promoted if it is better
    promoted = finish(
        fill(
            kind="promote",
            model=find_model(queue, second.label)[1],
            model_name="drawn",
            alias="best",
            metric="loss",
            evaluation=other.id,
        )
    )
    # Then the first was measured on the rows of the second, not by its own evaluation
    log = queue.artifacts.folder(promoted).read(AttemptFolder.log).decode()
    assert "measures drawn@1 on 60 rows: homes@1 validation" in log
    assert "drawn@1 has learnt from" in log
    report: Any = queue.artifacts.folder(promoted).read_json(AttemptFolder.promotion)
    assert own.metrics is not None
    assert report["value_before"] != pytest.approx(own.metrics["loss"], rel=1e-4)


def test_wrong_cells_are_named_by_line(
    of_homes: JobRecord, predict: Predict, tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("area,city\n1,rome\nmany,rome\n2\n")
    record = predict(of_homes, path, state="failed")
    assert record.reason is not None
    assert record.reason.kind == "bad-job"
    assert "'area' holds numbers, but also: 'many' in line 3" in record.reason.message
    assert "line 4 has 1" in record.reason.message


def test_mistakes_in_preprocessing_are_the_user_s(train: Run, homes: DatasetRef) -> None:
    record = train(
        "failed",
        dataset=homes.model_dump(),
        preprocessing={"city": "normalize", "aera": "normalize", "area": "normalize"},
    )
    assert record.reason is not None
    assert record.reason.kind == "bad-job"
    assert "preprocessing.city[0] = 'normalize'" in record.reason.message
    assert "did you mean 'area'?" in record.reason.message


def test_image_files_are_predicted_by_a_model_of_mnist(
    queue: Queue,
    trained: JobRecord,
    predict: Predict,
    mnist: dict[str, NDArray[np.uint8]],
    tmp_path: Path,
) -> None:
    # Given digits as PNG files: gray, in colours, and with an alpha channel
    files = []
    for number, mode in enumerate(("L", "RGB", "RGBA")):
        files.append(tmp_path / f"digit {number}.png")
        Image.fromarray(mnist["x_test"][number]).convert(mode).save(files[-1])
    # When they are predicted
    record = predict(trained, *files)
    # Then each is what its pixels are
    content = io.BytesIO(queue.artifacts.folder(record).read(AttemptFolder.predictions_npz))
    with np.load(content, allow_pickle=False) as found:
        model = keras.models.load_model(queue.artifacts.folder(trained).local(AttemptFolder.model))
        expected = model.predict(mnist["x_test"][:3], verbose=0)
        np.testing.assert_allclose(found["probabilities"], expected, rtol=1e-4, atol=1e-6)
        assert [name.rpartition("/")[2] for name in found["files"]] == [f.name for f in files]
    # And a line of the head says of which file it is
    head: Any = queue.artifacts.folder(record).read_json(AttemptFolder.predictions_head)
    assert [row["file"].rpartition("/")[2] for row in head] == [file.name for file in files]


def test_broken_images_fail_the_job_by_name(
    trained: JobRecord, predict: Predict, tmp_path: Path
) -> None:
    Image.new("L", (28, 28)).save(tmp_path / "good.png")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    record = predict(trained, tmp_path / "good.png", tmp_path / "half.png", state="failed")
    assert record.reason is not None
    assert record.reason.kind == "bad-job"
    assert "half.png" in record.reason.message
    assert "good.png" not in record.reason.message
