from __future__ import annotations

import json

from fitq_shared.store import Store
from fitq_worker.datasets.dataset import Dataset
from fitq_worker.datasets.description import describe, path_of, write_description


def test_a_description_is_told_from_the_arrays(dataset: Dataset) -> None:
    # When the made-up data set is described
    found = describe(dataset)

    # Then names come from the facts, all else from the arrays; a class may have no rows
    assert found["name"] == "made_up"
    assert found["class_names"] == ["ant", "bee", "cat"]
    assert found["counts"] == {
        "train": {"ant": 1, "bee": 2, "cat": 3},
        "test": {"ant": 3, "bee": 1, "cat": 0},
    }
    assert found["arrays"]["y_train"] == {  # type: ignore[index]
        "shape": [6],
        "dtype": "uint8",
        "min": 0,
        "max": 2,
        "sha256": dataset.facts.sums["y_train"],
    }


def test_a_description_is_kept_as_json(dataset: Dataset, store: Store) -> None:
    # When the description is written
    path = path_of(dataset.facts.name)
    write_description(describe(dataset), path, store)

    # Then it is in the data set's folder, the same as told
    assert path == "datasets/made_up/description.json"
    assert json.loads(store.read(path)) == describe(dataset)


def test_mnist_counts(real: dict[str, Dataset]) -> None:
    counts = describe(real["mnist"])["counts"]
    assert counts["train"]["5"] == 5421  # type: ignore[index]
    assert counts["train"]["1"] == 6742  # type: ignore[index]
    assert sum(counts["test"].values()) == 10_000  # type: ignore[index]


def test_fashion_mnist_counts(real: dict[str, Dataset]) -> None:
    counts = describe(real["fashion_mnist"])["counts"]
    assert set(counts["train"].values()) == {6_000}  # type: ignore[index]
    assert counts["test"]["Ankle boot"] == 1_000  # type: ignore[index]
