from __future__ import annotations

import numpy as np
import pytest

from fitq_shared.errors import BadJob
from fitq_worker.array_examples import ArrayExamples
from fitq_worker.examples import Field
from fitq_worker.targets import Target
from fitq_worker.weighing import class_table, weigh_by

NAMES = ("a", "b", "c")
LABELS = np.array([0, 0, 0, 1, 1, 2, 0], np.uint8)
TARGET = Target("said", "label", Field((), "uint8", NAMES), "index")
EXAMPLES = ArrayExamples({"x": np.zeros(7)}, {"label": LABELS}, {"label": NAMES})


def test_balanced_classes_weigh_the_same_in_sum() -> None:
    # Given the first six rows, of which three, two and one are of each class
    rows = np.arange(6)
    table = class_table("balanced", TARGET, EXAMPLES, rows)
    # Then each class weighs the same in sum, and a row 1 on average
    sums = [float(table[label] * (LABELS[:6] == label).sum()) for label in range(3)]
    assert sums == pytest.approx([2.0, 2.0, 2.0])


def test_classes_go_by_name_or_number() -> None:
    table = class_table({"b": 3.0, "2": 0.5}, TARGET, EXAMPLES, np.arange(7))
    assert table.tolist() == [1.0, 3.0, 0.5]


def test_weights_of_class_and_row_are_multiplied() -> None:
    table = class_table({"b": 3.0}, TARGET, EXAMPLES, np.arange(7))
    column = ArrayExamples({"weight": np.arange(7, dtype="float64")})
    weigh = weigh_by(table, TARGET, column)
    assert weigh is not None
    rows = np.array([3, 6])
    assert weigh(rows, {"label": LABELS[rows]}).tolist() == [9.0, 6.0]


@pytest.mark.parametrize("wrong", [np.full(7, -1.0), np.full(7, np.nan), np.full(7, "x", object)])
def test_weights_that_are_none_are_refused(wrong: np.ndarray) -> None:
    weigh = weigh_by(None, None, ArrayExamples({"weight": wrong}))
    assert weigh is not None
    with pytest.raises(BadJob, match="sample_weight names a field"):
        weigh(np.arange(7), {})
