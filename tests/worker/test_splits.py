"""Properties of splits, whatever the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitq_shared.errors import BadJob
from fitq_shared.specs.train import TrainJob
from fitq_worker.array_examples import Selected
from fitq_worker.datasets.columns import ArrayColumn, Table
from fitq_worker.splits import Parts, divide, split_column, values_of

SHARES = st.sampled_from([(0.2, 0.0), (0.2, 0.2), (0.0, 0.3), (0.5, 0.1), (0.0, 0.0)])
SEEDS = st.integers(0, 2**31 - 1)


def job(by: str = "fraction", shares: tuple[float, float] = (0.2, 0.0), **changes: Any) -> TrainJob:
    split: dict[str, Any] = {"by": by, "test_split": shares[1], **changes.pop("split", {})}
    if by in ("group", "column"):
        split.setdefault("column", "who")
        if by == "column":
            del split["test_split"]
    values = {"name": "a", "owner": "b", "dataset": "mnist", "model": "mlp", **changes}
    return TrainJob.parse({**values, "validation_split": shares[0], "split": split})


def is_whole(parts: Parts, count: int) -> bool:
    """Whether each row is in one part, and each part in order."""
    together = np.concatenate([parts.train, parts.validation, parts.test])
    rising = all((np.diff(rows) > 0).all() for rows in (parts.train, parts.validation, parts.test))
    return rising and np.sort(together).tolist() == list(range(count))


@given(st.sampled_from(["fraction", "shuffled"]), SHARES, st.integers(20, 400), SEEDS)
def test_shares_are_met_to_a_row(by, shares, count, seed):
    # Given any number of rows
    # When they are split by shares
    parts = divide(job(by, shares, seed=seed), count)
    # Then each is in one part, and each part has its share
    assert is_whole(parts, count)
    assert abs(len(parts.validation) - shares[0] * count) <= 1
    assert abs(len(parts.test) - shares[1] * count) <= 1


@given(SHARES, st.lists(st.integers(3, 40), min_size=1, max_size=6), SEEDS)
def test_each_class_has_its_share_in_each_part(shares, sizes, seed):
    values = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    try:
        parts = divide(job("stratified", shares, seed=seed), len(values), values)
    except BadJob as error:
        # A class of three rows cannot give half of them and one more, and keep one
        assert "too few" in error.message
        return
    assert is_whole(parts, len(values))
    for number, size in enumerate(sizes):
        for rows, share in ((parts.validation, shares[0]), (parts.test, shares[1])):
            found = int((values[rows] == number).sum())
            assert abs(found - size * share) <= 1
            assert (found > 0) == (share > 0)
        assert (values[parts.train] == number).any()


@given(SHARES, st.lists(st.integers(1, 30), min_size=12, max_size=40), SEEDS)
def test_a_group_stays_together(shares, sizes, seed):
    values = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    parts = divide(job("group", shares, seed=seed), len(values), values.astype(str).astype(object))
    assert is_whole(parts, len(values))
    groups = [set(values[rows]) for rows in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, groups)) == len(sizes)
    # And a part misses its share by no more than half of the largest group
    assert abs(len(parts.validation) - shares[0] * len(values)) <= max(sizes)


@given(st.lists(st.sampled_from(["train", "Val", " test ", "validation"]), min_size=1))
def test_a_column_says_it(words):
    words = [*words, "TRAIN"]
    parts = divide(job("column"), len(words), np.array(words, object))
    assert is_whole(parts, len(words))
    assert [words[row] for row in parts.test] == [word for word in words if word == " test "]
    assert all(words[row] in ("Val", "validation") for row in parts.validation)


@pytest.mark.parametrize("by", ["shuffled", "stratified", "group"])
def test_the_seed_alone_decides(by):
    values = np.arange(200) % 20
    one, two, other = (divide(job(by, (0.2, 0.2), seed=seed), 200, values) for seed in (3, 3, 4))
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(one.of(part), two.of(part))
    assert one.test.tolist() != other.test.tolist()


def test_by_default_the_last_rows_validate():
    parts = divide(job(), 10)
    assert parts.validation.tolist() == [8, 9]
    assert parts.test.tolist() == []
    assert divide(job(shares=(0.2, 0.3)), 10).test.tolist() == [5, 6, 7]


def test_only_the_first_rows_are_used():
    parts = divide(job("stratified", rows=20), 100, np.arange(100) % 2)
    assert is_whole(parts, 20)


def test_all_classes_that_are_too_small_are_named():
    values = np.array(["a"] * 9 + ["b"] * 2 + ["c"], object)
    with pytest.raises(BadJob, match=r"these classes have too few: b \(2\), c \(1\)"):
        divide(job("stratified", (0.2, 0.2)), 12, values)


def test_words_that_nobody_knows_are_named():
    words = np.array(["train", "trian", "", "test"], object)
    with pytest.raises(BadJob, match="for some rows '', 'trian': expected one of train"):
        divide(job("column"), 4, words)


def test_a_column_without_training_rows():
    with pytest.raises(BadJob, match="'who' says 'train' for no row"):
        divide(job("column"), 2, np.array(["test", "val"], object))


@pytest.mark.parametrize(
    ("by", "count", "words"),
    [
        ("fraction", 2, "a split of 2 rows by fraction leaves no rows for test"),
        ("group", 9, "leaves no groups of 'who' for validation and test"),
    ],
)
def test_an_empty_part_is_named(by, count, words):
    with pytest.raises(BadJob, match=words):
        divide(job(by, (0.2, 0.1)), count, np.zeros(count))


def test_a_column_that_is_not_there_is_named():
    examples = Table({"age": ArrayColumn(np.arange(9))}, {"y": ArrayColumn(np.arange(9) % 2)})
    with pytest.raises(BadJob, match=r"no column 'agee'.* it has \['age', 'y'\]"):
        values_of(examples, "agee")
    assert values_of(examples, "y").tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0]


class Undecoded(ArrayColumn):
    """Images that nobody should decode."""

    def read(self, rows: Any) -> Any:
        raise AssertionError("only the labels are asked for")


@pytest.mark.parametrize("wrap", [lambda e: e, lambda e: Selected(e, ("image",), ("y",))])
def test_images_are_not_decoded_to_read_their_labels(wrap):
    # Given images and their classes
    images = Undecoded(np.zeros((6, 4, 4), np.uint8))
    labels = ArrayColumn(np.arange(6) % 2, classes=("cat", "dog"))
    examples = wrap(Table({"image": images}, {"y": labels}))
    # When only the classes are asked for, then only they are read
    assert values_of(examples, "y").tolist() == [0, 1, 0, 1, 0, 1]


def test_a_column_of_several_values_is_refused():
    with pytest.raises(BadJob, match="more than one value"):
        divide(job("group"), 4, np.zeros((4, 3)))


def test_a_stratified_split_goes_by_the_only_target():
    assert split_column(job("stratified"), ["label"]) == "label"
    assert split_column(job("stratified", split={"column": "sex"}), ["label"]) == "sex"
    assert split_column(job("shuffled"), ["label"]) is None
    with pytest.raises(BadJob, match="needs one target, and the targets are a, b"):
        split_column(job("stratified"), ["a", "b"])
