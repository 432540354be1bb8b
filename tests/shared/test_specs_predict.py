from __future__ import annotations

import pytest

from fitq_shared.errors import InvalidInput
from fitq_shared.specs.kinds import parse_spec
from fitq_shared.specs.predict import PredictJob

MODEL = {"job": "abcd2345", "attempt": 2, "manifest": "b" * 64, "name": "brave-otter"}
FILE = {
    "type": "file",
    "path": f"inputs/{'c' * 64}.npz",
    "sha256": "c" * 64,
    "array": "images",
    "file": "images.npz",
}
VALUES = {"kind": "predict", "name": "n", "owner": "ann", "model": MODEL, "rows": FILE}


def mistakes(**changes):
    with pytest.raises(InvalidInput) as caught:
        PredictJob.parse({**VALUES, **changes})
    return {mistake.where: str(mistake) for mistake in caught.value.mistakes}


def test_rows_of_a_file():
    job = PredictJob.parse(VALUES)
    assert (job.output_format, job.batch_size) == ("npz", 128)
    assert job.summary == "brave-otter on images.npz"
    assert parse_spec(job.model_dump(mode="json")) == job


def test_rows_of_a_data_set():
    job = PredictJob.parse({**VALUES, "rows": {"type": "dataset", "dataset": "mnist"}})
    assert job.rows.split == "test"
    assert job.summary == "brave-otter on mnist test"
    assert parse_spec(job.model_dump(mode="json")) == job


def test_all_mistakes_are_named_at_once():
    found = mistakes(
        rows={"type": "dataset", "dataset": "minst", "split": "tset"},
        output_format="xlsx",
        batch_size=-1,
    )
    assert set(found) == {"dataset", "rows.split", "output_format", "batch_size"}
    assert "did you mean 'mnist'?" in found["dataset"]
    assert "did you mean 'test'?" in found["rows.split"]


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../secret.npz", f"inputs/../{'c' * 64}.npz", f"inputs/{'c' * 64}.h5", ""],
)
def test_a_path_that_is_no_input_is_refused(path):
    assert list(mistakes(rows={**FILE, "path": path})) == ["rows.path"]


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        ({"type": "dataset"}, "rows.dataset"),
        ({"type": "dataset", "dataset": 3}, "rows.dataset"),
        ({k: v for k, v in FILE.items() if k != "file"}, "rows.file"),
        ({**FILE, "shape": 1}, "rows.shape"),
        ({**FILE, "array": ""}, "rows.array"),
        ({"type": "folder"}, "rows.type"),
        ({"path": "x"}, "rows.type"),
        ("images.npz", "rows"),
        (None, "rows"),
    ],
)
def test_a_mistake_in_the_rows_is_found_at_its_place(rows, where):
    assert list(mistakes(rows=rows)) == [where]
