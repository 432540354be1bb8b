"""Arrays as examples."""

from __future__ import annotations

import numpy as np
import pytest

from fitq_worker.array_examples import ArrayExamples


@pytest.mark.parametrize("rows", [[2, 3, 4], [4], [4, 3, 2], [2, 4, 3], [1, 3], [2, 2], []])
def test_rows_are_what_their_numbers_say(rows: list[int]) -> None:
    # Given ten rows
    examples = ArrayExamples({"x": np.arange(20).reshape(10, 2)}, {"y": np.arange(10)})
    # When some of them are read, in whatever order
    inputs, targets = examples.read(np.array(rows, dtype=np.int64))
    # Then they are these
    assert targets["y"].tolist() == rows
    assert inputs["x"].tolist() == [[2 * row, 2 * row + 1] for row in rows]


def test_rows_that_follow_each_other_are_not_copied() -> None:
    # Given a data set as large as memory allows, of which the first rows are trained on
    examples = ArrayExamples({"x": np.zeros((10, 2))})
    # When these are read at once, then there is no second copy
    inputs, _ = examples.read(np.arange(2, 8))
    assert np.shares_memory(inputs["x"], examples.input_arrays["x"])
