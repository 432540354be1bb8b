"""Categories and texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fitq_shared.errors import BadJob
from fitq_worker.preprocessing.preparation import Preparation
from worker.preprocessing.conftest import everything, table

Learn = Callable[..., Preparation]

CITIES = ["rome", "oslo", "rome", "", "bern", "oslo", "rome"]


def prepared(learn: Learn, step: Any, values: Any, *, category: bool = True) -> Any:
    examples = table(categories=("x",) if category else (), x=values)
    return learn(examples, {"x": step}).apply(everything(examples))["x"]


def test_the_most_frequent_category_is_first_and_missing_ones_are_unknown(learn: Learn) -> None:
    found = prepared(learn, "one_hot", CITIES)
    assert found.dtype == np.float32
    assert found.argmax(axis=1).tolist() == [1, 2, 1, 0, 3, 2, 1]
    assert prepared(learn, "index", CITIES).ravel().tolist() == [1, 2, 1, 0, 3, 2, 1]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"categories": ["oslo", "rome"]}, [2, 1, 2, 0, 0, 1, 2]),
        ({"most": 1}, [1, 0, 1, 0, 0, 0, 1]),
    ],
)
def test_categories_may_be_declared_or_limited(learn: Learn, options: Any, expected: Any) -> None:
    found = prepared(learn, {"type": "one_hot", **options}, CITIES)
    assert found.argmax(axis=1).tolist() == expected
    assert found.shape[1] == max(expected) + 1


@pytest.mark.parametrize("values", [np.array([3, 5, 3, 4]), np.array([3.0, 5.0, 3.0, np.nan])])
def test_whole_numbers_are_categories(learn: Learn, values: Any) -> None:
    found = prepared(learn, {"type": "one_hot", "range": [3, 5]}, values, category=False)
    assert found.shape == (4, 4)
    assert found.argmax(axis=1).tolist()[:3] == [1, 3, 1]
    learnt = prepared(learn, "one_hot", values, category=False)
    assert learnt.argmax(axis=1).tolist()[:3] in ([1, 3, 1], [1, 2, 1])


def test_measures_are_no_categories(learn: Learn) -> None:
    with pytest.raises(BadJob, match=r"values such as 1\.5: expected whole numbers"):
        prepared(learn, "one_hot", np.array([1.0, 1.5]), category=False)
    with pytest.raises(BadJob, match="not all of the categories a, 3 are whole numbers"):
        step = {"type": "one_hot", "categories": ["a", 3]}
        prepared(learn, step, np.array([1, 2]), category=False)


def test_a_hash_needs_no_categories(learn: Learn) -> None:
    found = prepared(learn, {"type": "hash", "bins": 7}, CITIES)
    assert found.shape == (7, 1)
    assert ((found >= 0) & (found < 7)).all()
    assert found[0] == found[2]


def test_nothing_to_learn_from(learn: Learn) -> None:
    with pytest.raises(BadJob, match="'x' is missing in all training rows"):
        prepared(learn, "one_hot", ["", ""])
    with pytest.raises(BadJob, match="'x' has no word"):
        prepared(learn, "vectorize", ["...", ""], category=False)


def test_a_vocabulary_that_no_model_can_keep(learn: Learn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fitq_worker.preprocessing.categories.LARGEST_VOCABULARY", 20)
    with pytest.raises(BadJob, match="'x' has 3 different values") as caught:
        prepared(learn, "one_hot", CITIES)
    assert caught.value.hint == "limit them with most=…"


def test_words_become_numbers_of_a_fixed_length(learn: Learn) -> None:
    # Given texts of several lengths, and a word that stands for "unknown" itself
    step = {"type": "vectorize", "sequence_length": 4, "standardize": "none"}
    texts = ["b a", "a b a b a b", "a [UNK]", ""]
    found = prepared(learn, step, texts, category=False)
    # Then the most frequent word is 2, after those for "none" and "unknown"
    assert found.tolist() == [[3, 2, 0, 0], [2, 3, 2, 3], [2, 1, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("multi_hot", [[0, 1, 1], [0, 1, 0]]), ("count", [[0, 1, 3], [0, 2, 0]])],
)
def test_words_as_a_line_of_all_that_are_known(learn: Learn, mode: str, expected: Any) -> None:
    step = {"type": "vectorize", "output_mode": mode}
    found = prepared(learn, step, ["Red red, blue red!", "blue BLUE"], category=False)
    assert np.sort(found, axis=1).tolist() == np.sort(expected, axis=1).tolist()


def test_rare_words_weigh_more(learn: Learn) -> None:
    step = {"type": "vectorize", "output_mode": "tf_idf", "max_tokens": 3}
    found = prepared(learn, step, ["often", "often", "often rare", "often"], category=False)
    assert found.shape == (4, 3)
    assert found[2, 2] > found[2, 1] > 0


def test_other_alphabets_are_words(learn: Learn) -> None:
    found = prepared(learn, "vectorize", ["déjà vu", "日本 déjà"], category=False)
    assert found.shape == (2, 200)
    assert found[1, :3].tolist() == [found[1, 0], 2, 0]
