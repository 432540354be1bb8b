from __future__ import annotations

import numpy as np
import pytest

from fitq_shared.dataset_manifest import Column
from fitq_shared.errors import BadJob
from fitq_shared.store import Store
from fitq_worker.datasets.registered import load_registered
from fitq_worker.examples import Field
from support.registered import npy, npz, register


class Trap:
    """Raises when it is unpickled."""

    def __reduce__(self):
        return _sprung, ()


def _sprung() -> None:
    raise AssertionError("it was unpickled")


def column(name: str, role: str, **fields) -> Column:
    arrays = {"train": f"{name}_train", "test": f"{name}_test"}
    return Column(**{"name": name, "type": "array", "role": role, "arrays": arrays, **fields})


X = np.arange(24, dtype=np.float32).reshape(6, 4)
TABLE = np.arange(12).reshape(6, 2)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_several_inputs_and_targets_are_read_in_any_order(store: Store, save) -> None:
    # Given two inputs and two targets, in two splits
    arrays = {
        "x_train": X,
        "table_train": np.asfortranarray(TABLE),
        "y_train": np.array([0, 2, 1, 0, 1, 2], np.uint8),
        "z_train": np.linspace(0, 1, 6, dtype=">f8"),
    }
    tests = {name.replace("train", "test"): array[::-1] for name, array in arrays.items()}
    classes = Column(
        name="y",
        type="category",
        role="target",
        classes=["0", "1", "2"],
        arrays={"train": "y_train", "test": "y_test"},
    )
    columns = [column("x", "input"), column("table", "input"), classes, column("z", "target")]
    ref = register(store, "npz", {"a.npz": npz(save=save, **arrays, **tests)}, columns)

    # When a split is loaded
    examples = load_registered(ref, store, "test")

    # Then it says what it has
    assert len(examples) == 6
    assert examples.inputs == {"x": Field((4,), "float32"), "table": Field((2,), "int64")}
    assert examples.targets == {
        "y": Field((), "uint8", ("0", "1", "2"), "category"),
        "z": Field((), "float64"),
    }
    # And gives its rows as they are asked for
    rows = np.array([5, 0, 3])
    inputs, targets = examples.read(rows)
    for found in (inputs, targets):
        for name, values in found.items():
            np.testing.assert_array_equal(values, tests[f"{name}_test"][rows])
            assert values.dtype.isnative
            assert values.flags.writeable


def test_classes_that_are_no_numbers_from_0_are_numbered(store: Store) -> None:
    # Given classes by other numbers, and by names
    files = {"a.npz": npz(x=X, y=np.array([7, 3, 7, 3, 3, 3]), names=np.array(list("babaab")))}
    columns = [
        Column(name="x", type="array", arrays={"train": "x"}),
        *(
            Column(name=name, type="category", role="target", classes=c, arrays={"train": name})
            for name, c in {"y": ["3", "7"], "names": ["a", "b"]}.items()
        ),
    ]
    examples = load_registered(register(store, "npz", files, columns), store, "train")

    # When rows are read, then they have the classes' numbers
    targets = examples.read(np.arange(6))[1]
    assert targets["y"].tolist() == [1, 0, 1, 0, 0, 0]
    assert targets["names"].tolist() == [1, 0, 1, 0, 0, 1]
    assert examples.targets["y"] == Field((), "int32", ("3", "7"), "category")


def test_texts_are_texts(store: Store) -> None:
    files = {"a.npz": npz(t=np.array(["good", "bad film", "ß"]))}
    columns = [Column(name="t", type="text", arrays={"train": "t"})]
    examples = load_registered(register(store, "npz", files, columns), store, "train")
    assert examples.inputs == {"t": Field((), "str", kind="text")}
    assert examples.read(np.array([2, 1]))[0]["t"].tolist() == ["ß", "bad film"]


def test_the_target_may_be_the_input(store: Store) -> None:
    from fitq_worker.datasets.registered import Choice

    # Given data without a target
    ref = register(
        store, "npz", {"a.npz": npz(x=X)}, [Column(name="x", type="array", arrays={"train": "x"})]
    )
    # When the input is asked for as the target as well
    examples = load_registered(ref, store, "train", Choice(inputs=["x"], targets=["x"]))
    # Then it is both
    inputs, targets = examples.read(np.array([1]))
    np.testing.assert_array_equal(inputs["x"], targets["x"])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (npz(x=np.array([Trap()], object)), "pickled Python objects"),
        (npz(x=np.array([1 + 1j])), "neither number nor text"),
        (npz(x=np.float32(3)), "a single value"),
        (npz(x=X)[:-80], "damaged"),
        (npz(x=X).replace(X.tobytes(), X[::-1].tobytes()), "damaged: Bad CRC"),
        (npz(), "there is no array"),
        (b"no archive", "damaged"),
        (npz(z=X), r"no array 'x': there are 'z'"),
    ],
)
def test_what_is_no_archive_of_arrays_is_refused(store: Store, content: bytes, reason) -> None:
    ref = register(
        store, "npz", {"a.npz": content}, [Column(name="x", type="array", arrays={"train": "x"})]
    )
    with pytest.raises(BadJob, match=reason):
        load_registered(ref, store, "train")


def test_npy_files_are_arrays_too(store: Store) -> None:
    # Given a folder of .npy files
    files = {"x.npy": npy(X), "y.npy": npy(X[:, 0])}
    columns = [
        Column(name="x", type="array", arrays={"train": "x.npy"}),
        Column(name="y", type="number", role="target", arrays={"train": "y.npy"}),
    ]
    # When it is loaded
    examples = load_registered(register(store, "npy", files, columns), store, "train")
    # Then each file is an input or a target
    inputs, targets = examples.read(np.array([4, 2]))
    np.testing.assert_array_equal(inputs["x"], X[[4, 2]])
    np.testing.assert_array_equal(targets["y"], X[[4, 2], 0])


def test_a_header_that_lies_is_refused(store: Store) -> None:
    content = npy(X).replace(b"(6, 4)", b"(9, 4)")
    ref = register(
        store,
        "npy",
        {"x.npy": content},
        [Column(name="x", type="array", arrays={"train": "x.npy"})],
    )
    with pytest.raises(BadJob, match=r"x.npy cannot be read: .* its header promises"):
        load_registered(ref, store, "train")
