"""What a sweep's parameters may be, and what is drawn from them."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitq_shared.sweeps.space import Parameter, grid_point


def read(given: object) -> Parameter:
    parameter = Parameter.read("space.x", given)
    assert isinstance(parameter, Parameter), parameter
    return parameter


def mistakes(given: object) -> list[str]:
    found = Parameter.read("space.x", given)
    assert isinstance(found, list), found
    return [str(mistake) for mistake in found]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("64..512", {"low": 64, "high": 512}),
        ("1e-4..1e-1:log", {"low": 1e-4, "high": 0.1, "log": True}),
        ("0..0.5:0.1", {"low": 0, "high": 0.5, "step": 0.1}),
        ("-3..4:1", {"low": -3, "high": 4, "step": 1}),
        ("0.1...5", {"low": 0.1, "high": 0.5}),
    ],
)
def test_a_range_is_written_as_low_and_high(text: str, fields: dict[str, Any]) -> None:
    assert read(text) == Parameter(**fields)


def test_a_list_is_a_grid_and_a_table_of_values_is_drawn() -> None:
    assert read([64, 128]).grid
    assert not read({"values": [64, 128]}).grid


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("512..64", "from a number to a greater one"),
        ("a..b", "a range such as 64..512"),
        ("1..nan", "from a number to a greater one"),
        ("0..1:log", "above 0, since the range is log"),
        ("1..4:9", "at most 3"),
        ("1..4:0.5", "a whole number"),
        ([], "at least 1 values"),
        ([64, 64], "each value once"),
        ([64, {}], "space.x.values"),
        ({"low": 1}, "space.x.high is missing"),
        ({"low": 1, "high": 2, "values": [3]}, "none, since there are values"),
        ({"low": 1, "hihg": 2}, "did you mean 'high'?"),
        (7, "a range such as"),
    ],
)
def test_what_is_no_parameter_is_named(given: object, expected: str) -> None:
    assert any(expected in found for found in mistakes(given))


ends = st.integers(-1000, 1000)


@given(low=ends, size=st.integers(1, 1000), log=st.booleans(), seed=st.integers())
def test_whole_numbers_are_drawn_within_their_range(
    low: int, size: int, log: bool, seed: int
) -> None:
    low = abs(low) + 1 if log else low
    parameter = read({"low": low, "high": low + size, "log": log})
    drawn = parameter.draw(random.Random(seed))
    assert type(drawn) is int
    assert parameter.allows(drawn)


@given(
    low=st.floats(1e-6, 1e3), factor=st.floats(1.001, 1e6), log=st.booleans(), seed=st.integers()
)
def test_numbers_are_drawn_within_their_range(
    low: float, factor: float, log: bool, seed: int
) -> None:
    parameter = read({"low": low, "high": low * factor, "log": log})
    assert parameter.allows(parameter.draw(random.Random(seed)))


@given(seed=st.integers())
def test_steps_are_those_from_the_lower_end(seed: int) -> None:
    assert read("10..45:10").draw(random.Random(seed)) in (10, 20, 30, 40)


@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_a_grid_has_each_combination_once(sizes: list[int]) -> None:
    # Given grids of these sizes
    grids = [read(list(range(size))) for size in sizes]
    count = 1
    for size in sizes:
        count *= size
    # When its points are walked
    points = [tuple(grid_point(grids, number)) for number in range(count)]
    # Then each combination is there once, the last value changing fastest, and it begins again
    assert points == sorted(set(points))
    assert tuple(grid_point(grids, count)) == points[0]


def test_a_value_of_another_type_is_not_allowed() -> None:
    assert not read([1, 2]).allows(True)
    assert not read("1..5").allows(2.0)
    assert read("1..5.5").allows(2)
    assert read([[64, 32], [128]]).allows([64, 32])
