from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from fitq_shared.errors import Mistake
from fitq_shared.specs.mistakes import from_validation, unknown_choice


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    high: Annotated[int, Field(gt=1, lt=9)] = 5
    low: Annotated[int, Field(ge=1, le=9)] = 5


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    colour: Literal["red", "green", "blue"] = "red"
    inner: Inner = Inner()
    even: int = 2

    @field_validator("even")
    @classmethod
    def _is_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("an even number")
        return value


def lines(**values):
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(values)
    return [str(mistake) for mistake in from_validation(caught.value, Outer)]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({}, "name is missing: expected a value"),
        ({"colour": "gren"}, "colour = 'gren': expected one of blue, green, red"),
        ({"colour": "gren"}, "(did you mean 'green'?)"),
        ({"inner": {"high": 1}}, "inner.high = 1: expected a number above 1"),
        ({"inner": {"high": 9}}, "inner.high = 9: expected a number below 9"),
        ({"inner": {"low": 0}}, "inner.low = 0: expected a number of at least 1"),
        ({"inner": {"low": 10}}, "inner.low = 10: expected a number of at most 9"),
        ({"inner": {"hihg": 1}}, "expected no such field; known are high, low"),
        ({"inner": {"hihg": 1}}, "(did you mean 'high'?)"),
        ({"even": 3}, "even = 3: expected an even number"),
        ({"even": "three"}, "even = 'three': expected a valid integer"),
    ],
)
def test_pydantic_s_findings_are_said_in_the_user_s_words(values, line):
    found = "\n".join(lines(**({"name": "n", **values} if values else {})))
    assert line in found


def test_each_field_is_named_once_and_all_are():
    found = lines(colour="x", inner={"high": 0, "low": 0}, even=1)
    assert [line.partition(" ")[0] for line in found] == [
        *("name", "colour", "inner.high", "inner.low", "even"),
    ]


def test_a_choice_that_is_near_to_none_has_no_suggestion():
    mistake = unknown_choice("--state", "zzz", ["queued", "running"])
    assert str(mistake) == "--state = 'zzz': expected one of queued, running"


def test_a_long_value_is_cut_in_its_line():
    assert len(str(Mistake("where", "x" * 10_000, "less"))) < 100
