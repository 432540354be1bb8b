"""What `fitq predict` finds out before it submits anything: no worker is needed to be refused."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest

pytestmark = pytest.mark.services

IMAGES = np.zeros((3, 28, 28), np.uint8)


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def npz(**arrays):
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


@pytest.fixture
def predict(fitq, nowhere, succeeded):
    """Predict this content with a model that was trained on MNIST; do not wait for a worker."""
    succeeded()

    def run(content, *arguments, name="images.npz"):
        if content is not None:
            (nowhere / name).write_bytes(content)
        return fitq("predict", "brave-otter", "--input", name, "--no-wait", "--json", *arguments)

    return run


@pytest.fixture
def refuse(predict, records, store):
    """Predict, and be refused before anything was uploaded or queued."""

    def run(content, *arguments, **options):
        ran = predict(content, *arguments, **options)
        assert ran.code == 2
        assert ran.out == ""
        assert store.files("inputs") == []
        assert [record.kind for record in records.all()] == ["train"]
        return ran.err

    return run


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("images.npy", npy(IMAGES)),
        ("images.npz", npz(x=IMAGES)),
        ("images.npz", npz(images=IMAGES)),
        ("with space ü.npy", npy(np.asfortranarray(IMAGES))),
    ],
)
def test_a_good_file_is_put_into_the_store_and_its_job_queued(predict, store, name, content):
    # Given a file of three images
    # When it is given to a prediction
    ran = predict(content, name=name)

    # Then the job names the file in the store, and the model as it was published
    assert ran.code == 0, ran.err
    rows = ran.json["spec"]["rows"]
    assert store.read(rows["path"]) == content
    assert rows["sha256"] == hashlib.sha256(content).hexdigest()
    assert rows["file"] == name
    assert ran.json["spec"]["model"]["name"] == "brave-otter"
    assert ran.json["state"] == "queued"


def test_one_of_several_arrays_is_chosen(predict, refuse):
    content = npz(x=IMAGES, y=np.zeros(3, np.uint8))
    assert "--array to choose one of these" in refuse(content)
    assert "shape (n, 28, 28)" in refuse(content, "--array", "y")
    assert "did you mean 'x'" not in refuse(content, "--array", "zebra")
    assert predict(content, "--array", "x").json["spec"]["rows"]["array"] == "x"


def test_a_missing_file_is_named(refuse, nowhere):
    assert "FILE = 'images.npz': expected a file (No such file or directory)" in refuse(None)
    (nowhere / "folder.npz").mkdir()
    assert "a folder with images or texts in it" in refuse(None, name="folder.npz")


def test_an_empty_file_is_refused(refuse):
    assert "the file is empty" in refuse(b"")


@pytest.mark.parametrize("content", [npy(IMAGES), npz(x=IMAGES)])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(refuse, content, part):
    assert "it is truncated" in refuse(content[: int(len(content) * part)])


def test_a_damaged_file_is_refused(refuse):
    content = bytearray(npz(x=np.random.default_rng(0).integers(0, 256, (9, 28, 28))))
    content[len(content) // 2] ^= 0xFF
    assert "truncated or damaged" in refuse(bytes(content))


def test_a_pickled_file_is_refused(refuse):
    content = npy(np.array([{"a": 1}, None], dtype=object))
    assert "pickled Python objects, which can run code" in refuse(content)


def test_a_file_of_another_kind_is_refused(refuse):
    assert "it does not begin like one" in refuse(b"\x89PNG\r\n\x1a\n")
    assert "expected a file named *.npy, *.npz, *.csv" in refuse(npy(IMAGES), name="images.dat")


@pytest.mark.parametrize("shape", [(3, 28), (3, 32, 32), (3, 28, 28, 3), (28, 28), (0, 28, 28), ()])
def test_images_of_another_shape_are_refused(refuse, shape):
    error = refuse(npy(np.zeros(shape, np.uint8)), name="images.npy")
    assert f"array of shape {shape}" in error
    assert "expected shape (n, 28, 28), n at least 1" in error
    assert "try: reshape the array" in error


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.full(IMAGES.shape, 0.5), "fractions of dtype float64 from 0.5 to 0.5"),
        (np.full(IMAGES.shape, 256), "values of dtype int64 from 256 to 256"),
        (IMAGES == 0, "values of dtype bool"),
    ],
)
def test_images_that_are_no_pixels_are_refused(refuse, images, words):
    error = refuse(npy(images), name="images.npy")
    assert f"FILE = '{words}': expected whole numbers from 0 to 255" in error
    assert "try: save the pixels as they are" in error


def test_a_data_set_needs_no_file(fitq, succeeded):
    succeeded()
    ran = fitq(
        *("predict", "brave-otter", "--dataset", "mnist", "--split", "train"),
        *("--format", "csv", "--dry-run"),
    )
    assert ran.code == 0
    assert ran.json["rows"] == {"type": "dataset", "dataset": "mnist", "split": "train"}
    assert ran.json["output_format"] == "csv"


def test_all_mistakes_of_a_prediction_are_named_at_once(fitq, succeeded):
    succeeded()
    ran = fitq(
        *("predict", "brave-otter", "--dataset", "minst", "--split", "tset"),
        *("--format", "xlsx", "--batch-size", "0", "--device", "tpu"),
    )
    assert ran.code == 2
    for where in ("dataset", "rows.split", "output_format", "batch_size", "device"):
        assert f"{where} = " in ran.err


@pytest.mark.parametrize("inputs", [(), ("--input", "x.npz", "--dataset", "mnist")])
def test_rows_come_from_a_file_or_from_a_data_set(fitq, nowhere, inputs):
    ran = fitq("predict", "brave-otter", *inputs)
    assert ran.code == 2
    assert "either files or --dataset NAME" in ran.err


def test_what_has_no_model_cannot_predict_or_be_evaluated(queue, fitq, records, train_job):
    records.create(train_job())
    for command in (("predict", "brave-otter", "--dataset", "mnist"), ("evaluate", "brave-otter")):
        ran = fitq(*command)
        assert ran.code == 2
        assert "no model: the job is queued" in ran.err
        assert "try: wait for it" in ran.err


def test_an_evaluation_takes_the_data_set_of_the_training(fitq, succeeded, train_job):
    record = succeeded(train_job(dataset="fashion_mnist"))
    spec = fitq("evaluate", record.name, "--dry-run").json
    assert (spec["dataset"], spec["split"]) == ("fashion_mnist", "test")
    assert spec["model"] == {
        "job": record.id,
        "attempt": 1,
        "manifest": record.manifest,
        "name": record.name,
        "code": False,
    }
    other = fitq("evaluate", record.name, "--dataset", "mnist", "--split", "train", "--dry-run")
    assert (other.json["dataset"], other.json["split"]) == ("mnist", "train")
