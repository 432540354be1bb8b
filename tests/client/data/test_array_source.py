"""NumPy's files: fields, splits and classes, and what is refused without being loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def make(**arrays) -> Path:
        np.savez(tmp_path / "data.npz", **arrays)
        return tmp_path / "data.npz"

    return make


def columns(source):
    return {column.name: column for column in source.columns}


def test_names_say_splits_inputs_and_targets(save, look):
    # Given images with labels of both splits, and an array that belongs to none
    path = save(
        x_train=np.zeros((4, 8, 8), "uint8"),
        y_train=np.array([0, 1, 2, 1]),
        x_test=np.zeros((2, 8, 8), "uint8"),
        y_test=np.array([3, 0]),
        class_names=np.array(["a", "b"]),
    )
    # When they are looked at
    source = look(path)
    # Then that is what they are
    found = columns(source)
    assert (found["x"].type, found["x"].shape, found["x"].dtype) == ("image", (8, 8), "uint8")
    assert found["x"].arrays == {"train": "x_train", "test": "x_test"}
    assert (found["y"].role, found["y"].type) == ("target", "category")
    assert found["y"].classes == ("0", "1", "2", "3")
    assert source.rows == {"train": 4, "test": 2}
    assert "class_names" in source.notes[0]


def test_several_inputs_and_targets_may_be_named(save, look):
    path = save(
        left=np.zeros((3, 5), "float32"),
        right=np.zeros((3, 5), "float32"),
        same=np.array([True, False, True]),
        weight=np.ones(3),
    )
    found = columns(look(path, targets=("same", "weight"), types={"weight": "number"}))
    assert {name: column.role for name, column in found.items()} == {
        "left": "input",
        "right": "input",
        "same": "target",
        "weight": "target",
    }
    assert found["same"].classes == ("False", "True")
    assert (found["left"].type, found["weight"].type) == ("array", "number")


@pytest.mark.parametrize(
    ("labels", "kind", "classes"),
    [
        (np.array([5, 7, 5]), "category", tuple("01234567")),
        (np.array([-1, 1, 1]), "category", ("-1", "1")),
        (np.array(["cat", "ant", "cat"]), "category", ("ant", "cat")),
        (np.array([0.5, 1.5, 2.5], "float32"), "number", None),
        (np.array([[1], [2], [3]]), "array", None),
    ],
)
def test_targets_keep_the_numbers_that_they_have(save, look, labels, kind, classes):
    found = columns(look(save(x=np.zeros((3, 2)), y=labels)))["y"]
    assert (found.type, found.classes) == (kind, classes)


def test_many_numbers_are_no_classes_unless_declared(save, look):
    found = columns(look(save(x=np.zeros(20_000), y=np.arange(20_000))))["y"]
    assert (found.type, found.classes) == ("number", None)


def test_a_folder_of_npy_files_is_named_arrays_too(tmp_path, look):
    for name in ("x", "y"):
        np.save(tmp_path / f"{name}_train.npy", np.zeros(4))
    found = columns(look(tmp_path))
    assert found["x"].arrays == {"train": "x_train.npy"}
    assert found["y"].role == "target"


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": np.array([{}, []], object)}, "pickled Python objects"),
        ({"x": np.array([1j])}, "no numbers and no text"),
        ({"x": np.array(5)}, "expected rows"),
        ({"x": np.zeros(3), "y": np.zeros(4)}, "as many rows in each"),
        ({"x": np.zeros(0)}, "at least one row"),
        ({"x_train": np.zeros(3), "x_test": np.zeros((3, 2))}, "rows alike in train and test"),
        ({"x_train": np.zeros(3), "y_train": np.zeros(3), "x_test": np.zeros(3)}, "array y_test"),
    ],
)
def test_arrays_that_cannot_be_learned_from_are_named(save, mistakes, arrays, said):
    assert any(said in line for line in mistakes(save(**arrays)))


def test_a_target_that_is_not_there_is_met_with_the_nearest(save, mistakes):
    [found] = mistakes(save(images=np.zeros(3), labels=np.zeros(3)), targets=("label",))
    assert "(did you mean 'labels'?)" in found


def test_a_truncated_file_is_named(save, mistakes):
    path = save(x=np.zeros(1000))
    path.write_bytes(path.read_bytes()[:500])
    [found] = mistakes(path)
    assert "data.npz" in found
    npy = path.with_name("x.npy")
    np.save(npy, np.zeros(1000))
    npy.write_bytes(npy.read_bytes()[:500])
    [found] = mistakes(npy)
    assert "is truncated" in found
