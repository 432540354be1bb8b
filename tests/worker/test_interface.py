"""What a model takes and gives, as its artifacts say it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fitq_worker.examples import Field
from fitq_worker.feeding import Feed, match_inputs
from fitq_worker.interface import Input, Interface, Output, interface_of, interface_output
from fitq_worker.ports import Port, Side
from fitq_worker.targets import Target

CLASSES = ("cat", "dog")
LABEL = Field((), "int64", CLASSES)
SAID = Port("said", (2,), "float32")


def learnt(field: Field, form: str = "index") -> Target:
    return Target("said", "label", field, form)  # type: ignore[arg-type]


def interface(*outputs: Output) -> Interface:
    taken = Input("image", (None, 28), "uint8", "array", None, ("left", "right"))
    return Interface((taken,), outputs)


def test_what_is_kept_as_json_comes_back_the_same() -> None:
    kept = interface(interface_output("said", (2,), "float32", learnt(LABEL)))
    for one in (kept, replace(kept, behind_steps=True)):
        assert Interface.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_what_was_kept_before_there_were_models_behind_steps_is_read() -> None:
    kept = interface(interface_output("said", (2,), "float32", learnt(LABEL)))
    before = {name: one for name, one in kept.to_json().items() if name != "behind_steps"}
    assert Interface.from_json(json.loads(json.dumps(before))) == kept


def test_its_fields_are_what_it_takes_and_has_learnt() -> None:
    learns = interface_output("said", (2,), "float32", learnt(LABEL))
    nothing = interface_output("more", (4,), "float32", None)
    assert interface(learns, nothing).fields == (["left", "right"], ["label"])
    # But what has learnt nothing leaves it to the data
    assert interface(nothing).fields == (["left", "right"], None)


def test_its_classes_are_those_of_its_only_output() -> None:
    said = interface_output("said", (2,), "float32", learnt(LABEL))
    assert interface(said).class_names == CLASSES
    assert interface(said, said).class_names is None


@pytest.mark.parametrize(
    ("shape", "target", "kind", "classes"),
    [
        ((2,), learnt(LABEL), "class", CLASSES),
        ((2,), learnt(Field((), "float32"), "number"), "array", None),
        ((1,), learnt(Field((), "float32"), "number"), "number", None),
        ((), None, "number", None),
        ((1,), None, "number", None),
        ((28, 28), None, "array", None),
        # Classes of each pixel are no probabilities of one row.
        ((28, 28, 2), learnt(Field((28, 28), "uint8", CLASSES)), "array", None),
    ],
)
def test_an_output_says_what_it_has_learnt(
    shape: tuple[int, ...], target: Target | None, kind: str, classes: tuple[str, ...] | None
) -> None:
    made = interface_output("said", shape, "float32", target)
    assert (made.kind, made.classes) == (kind, classes)
    assert (made.target, made.form) == ((target.name, target.form) if target else (None, None))


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        (Field((), "str"), "text"),
        (LABEL, "class"),
        (Field((3,), "uint8", CLASSES), "array"),
        (Field((), "float32"), "number"),
        (Field((28, 28), "uint8"), "array"),
    ],
)
def test_an_input_is_what_the_data_has(field: Field, kind: str) -> None:
    # Given a model that takes whatever there is
    feed = match_inputs(None, {"column": field})
    # When it is asked what it takes, Then it says what the data has
    [made] = interface_of(feed, {"column": field}, None).inputs
    assert (made.shape, made.dtype, made.kind) == (field.shape, field.dtype, kind)
    assert (made.classes, made.columns) == (field.classes, ("column",))


def test_an_input_of_several_fields_is_one_vector_of_floats() -> None:
    row = Side((Port("row", (2,), "float32"),), "one")
    fields = {"a": Field((), "uint8"), "b": Field((), "int64")}
    made = interface_of(Feed(row, {"row": ("a", "b")}), fields, Side((SAID,), "one"))
    assert made.inputs == (Input("row", (2,), "float32", "array", None, ("a", "b")),)
    assert [one.name for one in made.outputs] == ["said"]


@pytest.mark.parametrize(
    ("shape", "dtype", "image"),
    [
        ((28, 28), "uint8", True),
        ((28, 28, 3), "uint8", True),
        ((28, 28, 5), "uint8", False),
        ((28, 28), "float32", False),
        ((28,), "uint8", False),
    ],
)
def test_a_picture_is_pixels_with_height_and_width(
    shape: tuple[int, ...], dtype: str, image: bool
) -> None:
    assert Input("x", shape, dtype, "array", None, ("x",)).is_image is image
