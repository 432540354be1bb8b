"""What goes into a model and what comes out of it, by name."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from fitq_worker.examples import Field
from fitq_worker.ports import (
    Form,
    Port,
    Side,
    inputs_of,
    outputs_like,
    outputs_of,
    same_shape,
    shown_field,
    shown_shape,
)


def side(form: Form, *names: str) -> Side:
    return Side(tuple(Port(name, (2,), "float32") for name in names), form)


def two_inputs(as_dict: bool) -> keras.Model:
    left, right = keras.Input((2,), name="left"), keras.Input((3,), name="right")
    said = keras.layers.Dense(1, name="said")(keras.layers.Concatenate()([left, right]))
    given: Any = {"a": left, "b": right} if as_dict else [left, right]
    return keras.Model(given, said)


@pytest.mark.parametrize(
    ("form", "names", "packed"),
    [
        ("one", ["left"], 1),
        ("list", ["right", "left"], [2, 1]),
        ("dict", ["right", "left"], {"right": 2, "left": 1}),
    ],
)
def test_values_by_name_take_the_model_s_structure_and_come_back(
    form: Form, names: list[str], packed: Any
) -> None:
    values = {name: {"left": 1, "right": 2}[name] for name in names}
    assert side(form, *names).pack(values) == packed
    assert side(form, *names).unpack(packed) == values


def test_a_list_of_another_length_is_not_taken_for_the_outputs() -> None:
    with pytest.raises(ValueError, match="zip"):
        side("list", "left", "right").unpack([1])


def test_a_sequential_model_has_one_input_and_one_output() -> None:
    # Given
    layers = [keras.Input((28, 28), name="image"), keras.layers.Flatten(), keras.layers.Dense(3)]
    model = keras.Sequential([*layers, keras.layers.Softmax(name="said")])
    # When it is asked, Then
    assert inputs_of(model) == Side((Port("image", (28, 28), "float32"),), "one")
    assert outputs_of(model) == Side((Port("said", (3,), "float32"),), "one")


def test_a_list_of_inputs_is_fed_by_name() -> None:
    assert inputs_of(two_inputs(as_dict=False)) == Side(
        (Port("left", (2,), "float32"), Port("right", (3,), "float32")), "dict"
    )


def test_a_dict_of_inputs_goes_by_its_keys_and_not_by_its_layers() -> None:
    found = inputs_of(two_inputs(as_dict=True))
    assert found is not None
    assert found.names == ("a", "b")


def test_a_list_of_outputs_stays_one_in_its_order() -> None:
    # Given a model whose outputs are layers of their own
    taken = keras.Input((4,))
    made = [keras.layers.Dense(2, name="first")(taken), keras.layers.Dense(1, name="second")(taken)]
    # When it is asked, Then
    found = outputs_of(keras.Model(taken, made))
    assert found == Side((Port("first", (2,), "float32"), Port("second", (1,), "float32")), "list")


def test_a_text_input_is_called_string() -> None:
    taken = keras.Input((), dtype="string", name="words")
    found = inputs_of(keras.Model(taken, keras.layers.Identity()(taken)))
    assert found is not None
    assert found.ports[0].dtype == "string"


def test_a_model_that_does_not_know_its_ports_says_nothing() -> None:
    class Own(keras.Model):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x

    for model in (Own(), keras.Sequential([keras.layers.Dense(2)])):
        assert inputs_of(model) is None
        assert outputs_of(model) is None


@pytest.mark.parametrize(
    ("given", "form", "names"),
    [
        (np.zeros((5, 2)), "one", ("output",)),
        ([np.zeros((5, 2)), np.zeros((5, 2))], "list", ("output_0", "output_1")),
        ({"said": np.zeros((5, 2))}, "dict", ("said",)),
    ],
)
def test_what_a_model_gave_tells_its_outputs(given: Any, form: Form, names: list[str]) -> None:
    found = outputs_like(given)
    assert (found.form, found.names) == (form, names)
    assert {port.shape for port in found.ports} == {(2,)}


@pytest.mark.parametrize(
    ("port", "field", "same"),
    [
        ((28, 28), (28, 28), True),
        ((28, 28, 1), (28, 28), True),
        ((28, 28), (28, 28, 1), True),
        ((), (1,), True),
        ((1,), (), True),
        ((None,), (7,), True),
        ((None,), (), True),
        ((None, None, 3), (20, 30, 3), True),
        ((28, 28), (28, 32), False),
        ((28, 28, 3), (28, 28), False),
        ((28,), (28, 3), False),
        ((2,), (), False),
        ((28, 28), (784,), False),
    ],
)
def test_a_last_axis_of_one_is_nothing_and_a_free_size_takes_any(
    port: tuple[int | None, ...], field: tuple[int, ...], same: bool
) -> None:
    assert same_shape(port, field) is same


@pytest.mark.parametrize(
    ("shape", "shown"), [((), "(n,)"), ((28, 28), "(n, 28, 28)"), ((None, 3), "(n, ?, 3)")]
)
def test_a_shape_is_shown_with_its_rows(shape: tuple[int | None, ...], shown: str) -> None:
    assert shown_shape(shape) == shown
    assert Port("image", shape, "uint8").shown == shown


def test_a_field_without_preprocessing_is_shown_as_it_is() -> None:
    assert shown_field(Field((3,), "float32")) == "(n, 3)"
