"""Parts of a data set, read as one."""

from __future__ import annotations

import numpy as np
import pytest

from fitq_worker.array_examples import ArrayExamples
from fitq_worker.joined_examples import Joined


@pytest.mark.parametrize(
    "rows", [[0, 1, 2, 3, 4], [4, 0, 3, 1], [2], [3, 3, 0], [0, 1], []], ids=str
)
def test_rows_of_several_parts_come_in_the_order_asked_for(rows: list[int]) -> None:
    # Given three rows of one part and two of another
    parts = [
        ArrayExamples({"x": np.arange(3) * 10}, {"y": np.arange(3)}, {"y": ("a", "b")}),
        ArrayExamples({"x": np.arange(3, 5) * 10}, {"y": np.arange(3, 5)}, {"y": ("a", "b")}),
    ]
    joined = Joined(parts)
    # When some of them are read
    inputs, targets = joined.read(np.array(rows, np.int64))
    # Then each is the row of that number, counted through
    assert inputs["x"].tolist() == [10 * row for row in rows]
    assert targets["y"].tolist() == rows
    assert len(joined) == 5
    assert joined.targets["y"].classes == ("a", "b")
    assert list(joined.read(np.array(rows, np.int64), ["y"])[0]) == []
