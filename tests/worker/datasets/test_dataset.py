from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from fitq_shared.catalogue import DatasetFacts
from fitq_shared.errors import BadJob, StoreError
from fitq_worker.datasets.dataset import Arrays, Dataset, check


def test_check_accepts_the_arrays_that_the_facts_describe(
    facts: DatasetFacts, arrays: Arrays
) -> None:
    # Given arrays as the facts have them, one of them not contiguous in memory
    arrays["x_train"] = np.asfortranarray(arrays["x_train"])

    # When they are checked, then nothing is wrong
    check(facts, arrays)


@pytest.mark.parametrize(
    ("key", "change", "expected"),
    [
        ("x_train", lambda x: x.astype(np.float32), "x_train has dtype float32, expected uint8"),
        ("x_test", lambda x: x[:3], r"x_test has shape \(3, 2, 3\), expected \(4, 2, 3\)"),
        ("y_train", lambda y: y[::-1], "y_train has SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}"),
    ],
)
def test_check_names_the_array_and_what_was_expected(
    facts: DatasetFacts, arrays: Arrays, key: str, change, expected: str
) -> None:
    # Given one array that differs in one way
    arrays[key] = change(arrays[key])

    # When they are checked, then the message says which and how
    with pytest.raises(StoreError, match=expected):
        check(facts, arrays)


def test_check_names_the_arrays_when_one_is_missing(facts: DatasetFacts, arrays: Arrays) -> None:
    # Given no labels to test with
    del arrays["y_test"]

    # When they are checked, then the message lists what was expected
    with pytest.raises(StoreError, match=r"expected \['x_test', .*'y_test'"):
        check(facts, arrays)


def test_check_refuses_labels_without_a_class(facts: DatasetFacts, arrays: Arrays) -> None:
    # Given facts with fewer classes than the labels use
    few = dataclasses.replace(facts, class_names=("ant", "bee"))

    # When the arrays are checked, then the label is named
    with pytest.raises(StoreError, match="y_train has label 2, expected 0 to 1"):
        check(few, arrays)


def test_split_gives_images_and_labels(dataset: Dataset) -> None:
    # When a split is asked for
    x, y = dataset.split("test")

    # Then its images and labels come
    assert x is dataset.x_test
    assert y is dataset.y_test


def test_split_refuses_a_name_it_does_not_know(dataset: Dataset) -> None:
    with pytest.raises(BadJob, match="no split 'validation'") as caught:
        dataset.split("validation")
    assert "train, test" in caught.value.hint


def test_the_real_data_sets_have_the_sums_of_the_catalogue(real: dict[str, Dataset]) -> None:
    for dataset in real.values():
        check(dataset.facts, dataset.arrays)
        assert dataset.x_train.shape == (60_000, 28, 28)
        assert dataset.y_test.shape == (10_000,)
