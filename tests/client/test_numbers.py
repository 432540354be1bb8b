from __future__ import annotations

import pytest

from fitq.numbers import count_or_measure, measure


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.0000"),
        (1, "1.0000"),
        (0.123456, "0.1235"),
        (-12.3456, "-12.346"),
        (1234.56, "1234.6"),
        (118033.1250, "118033"),
        (12345678.1234, "1.2346e+07"),
        (0.0000123456, "1.2346e-05"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
    ],
)
def test_a_measure_has_five_digits(value: float, shown: str) -> None:
    assert measure(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(12345678, "12345678"), (3.0, "3"), (16196788224.0, "1.6197e+10"), (0.5, "0.5000")],
)
def test_a_count_is_whole(value: float, shown: str) -> None:
    assert count_or_measure(value) == shown
