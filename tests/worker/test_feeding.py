"""Which field goes into which input and output, and what `fit` is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fitq_shared.errors import BadJob
from fitq_worker import feeding
from fitq_worker.array_examples import ArrayExamples
from fitq_worker.examples import Arrays, Field
from fitq_worker.feeding import Fed, Feed, match_inputs, match_names
from fitq_worker.ports import Form, Port, Side
from fitq_worker.targets import Target

NUMBER, LINE = Field((), "float32"), Field((3,), "float32")
IMAGE, TEXT = Field((28, 28), "uint8"), Field((), "str")


def side(*ports: Port, form: Form | None = None) -> Side:
    return Side(ports, form or ("one" if len(ports) == 1 else "dict"))


def port(name: str, *shape: int | None, dtype: str = "float32") -> Port:
    return Port(name, shape, dtype)


def refusal(taken: Side, fields: dict[str, Field]) -> str:
    with pytest.raises(BadJob) as caught:
        match_inputs(taken, fields)
    return caught.value.message


def test_a_single_field_goes_into_a_single_input_whatever_their_names() -> None:
    assert match_inputs(side(port("input_layer", 28, 28)), {"image": IMAGE}).sources == {
        "input_layer": ("image",)
    }


def test_several_fields_go_by_name_and_one_may_be_left() -> None:
    taken = side(port("left", 3), port("right", 28, 28))
    found = match_inputs(taken, {"more": TEXT, "right": IMAGE, "left": LINE})
    assert found.sources == {"left": ("left",), "right": ("right",)}


def test_a_single_input_takes_the_field_of_its_name_from_several() -> None:
    taken = side(port("left", 3))
    assert match_inputs(taken, {"right": LINE, "left": LINE}).sources == {"left": ("left",)}


def test_a_vector_is_made_of_as_many_numbers_and_lines() -> None:
    # Given an input as wide as all fields together
    found = match_inputs(side(port("row", 4)), {"age": NUMBER, "line": LINE})
    assert found.sources == {"row": ("age", "line")}
    # When it is fed
    x = found.x({"age": np.array([1, 2]), "line": np.array([[3, 4, 5], [6, 7, 8]])})
    # Then they are side by side, in the order of the data
    assert x.dtype == np.float32
    assert x.tolist() == [[1, 3, 4, 5], [2, 6, 7, 8]]


@pytest.mark.parametrize("other", [TEXT, Field((1, 1), "float32")])
def test_a_vector_is_not_made_of_texts_or_images(other: Field) -> None:
    assert "the model's inputs are row" in refusal(side(port("row", 2)), {"a": NUMBER, "b": other})


def test_a_model_that_does_not_know_its_inputs_takes_the_fields_as_they_are() -> None:
    one = match_inputs(None, {"words": TEXT})
    several = match_inputs(None, {"words": TEXT, "line": LINE})
    assert one.inputs == side(port("words", dtype="string"))
    assert several.inputs.form == "dict"
    assert several.sources == {"words": ("words",), "line": ("line",)}


def test_names_that_do_not_meet_are_both_listed() -> None:
    taken = side(port("left", 3), port("right", 3))
    assert refusal(taken, {"left": LINE, "wrong": LINE}) == (
        "the model's inputs are left, right, but the data set's inputs are left, wrong"
    )


def test_a_shape_that_does_not_fit_is_told_with_layer_and_field() -> None:
    assert refusal(side(port("image", 32, 32, 3)), {"picture": IMAGE}) == (
        "the input layer 'image' takes (n, 32, 32, 3), but 'picture' has (n, 28, 28)"
    )


@pytest.mark.parametrize(
    ("taken", "field", "told"),
    [
        (port("words", dtype="string"), NUMBER, "takes string, but 'column' is float32"),
        (port("age"), TEXT, "takes float32, but 'column' is text"),
    ],
)
def test_text_and_numbers_are_not_taken_for_each_other(
    taken: Port, field: Field, told: str
) -> None:
    assert told in refusal(side(taken), {"column": field})


def test_data_without_inputs_is_refused() -> None:
    assert refusal(side(port("image", 3)), {}) == "the data set has no inputs"


def test_no_targets_are_told_as_none() -> None:
    with pytest.raises(BadJob, match="the data set's targets are none"):
        match_names(side(port("said", 1)), [], ("outputs", "targets"), "--target")


def test_doubles_are_fed_as_floats_and_other_numbers_as_they_are() -> None:
    feed = match_inputs(None, {"a": NUMBER, "b": NUMBER})
    x = feed.x({"a": np.zeros(2, np.float64), "b": np.zeros(2, np.uint8)})
    assert (x["a"].dtype, x["b"].dtype) == (np.float32, np.uint8)


def test_targets_of_a_list_of_outputs_are_a_tuple_which_is_not_one_array() -> None:
    # Given a model with two outputs in a list, each of which learns a field
    outputs = side(port("first"), port("second"), form="list")
    targets = {
        name: Target(name, field, NUMBER, "number")
        for name, field in (("first", "b"), ("second", "a"))
    }
    feed = Feed(side(port("x")), {"x": ("x",)}, outputs, targets)
    # When targets are made for it
    made = feed.y({"a": np.array([1.0]), "b": np.array([2.0])})
    # Then each output gets its own
    assert isinstance(made, tuple)
    assert [float(one[0]) for one in made] == [2.0, 1.0]


@pytest.fixture
def rows() -> ArrayExamples:
    return ArrayExamples({"x": np.arange(6, dtype=np.float32)}, {"y": np.arange(6) * 10.0})


def learnt() -> Feed:
    target = Target("said", "y", NUMBER, "number")
    return Feed(side(port("x")), {"x": ("x",)}, side(port("said")), {"said": target})


def test_places_count_among_the_rows_and_not_in_the_data(rows: ArrayExamples) -> None:
    x, y = Fed(learnt(), rows, np.array([5, 3, 1])).read(np.array([2, 0]))
    assert x.tolist() == [1, 5]
    assert y.tolist() == [10, 50]


def test_where_nothing_is_learnt_only_inputs_are_read(rows: ArrayExamples) -> None:
    feed = match_inputs(None, rows.inputs)
    assert [x.tolist() for x in Fed(feed, rows, np.array([2])).read(slice(None))] == [[2]]


def test_weights_go_by_the_rows_numbers_in_the_data(rows: ArrayExamples) -> None:
    def weigh(numbers: np.ndarray[Any, Any], targets: Arrays) -> Any:
        return (numbers + targets["y"]).astype(np.float32)

    *_, weights = Fed(learnt(), rows, np.array([4, 2]), weigh).read(slice(None))
    assert weights.tolist() == [44, 22]


def test_all_rows_are_held_if_they_are_few_and_stay_the_same(
    rows: ArrayExamples, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = np.arange(6)
    whole = Fed(learnt(), rows, numbers).whole()
    assert whole is not None
    assert whole[0].tolist() == numbers.tolist()
    assert Fed(learnt(), rows, numbers, held=False).whole() is None
    # When 6 rows of 4 and 8 bytes are one byte too many
    monkeypatch.setattr(feeding, "LARGEST_HELD", 6 * 12 - 1)
    assert Fed(learnt(), rows, numbers).whole() is None
