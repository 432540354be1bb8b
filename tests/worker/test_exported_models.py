"""Exports of several kinds of model predict as the model does."""

from __future__ import annotations

import importlib.util

import keras
import numpy as np
import pytest

from fitq_shared.errors import BadJob
from fitq_worker import exported_models
from fitq_worker.exported_models import export
from fitq_worker.interface import Input, Interface
from fitq_worker.interrupting import Interrupting
from fitq_worker.reporter import StopJob
from fitq_worker.sample_inputs import sample_inputs

NONE = Interface((), ())

has_onnx = importlib.util.find_spec("tf2onnx") is not None
FORMATS = [
    "savedmodel",
    pytest.param(
        "onnx", marks=pytest.mark.skipif(not has_onnx, reason="fitq-worker[onnx] is missing")
    ),
]


def two_inputs_two_outputs() -> keras.Model:
    image = keras.Input((4, 4), dtype="uint8", name="image")
    number = keras.Input((3,), name="number")
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
    both = keras.layers.Concatenate()([flat, number])
    outputs = {
        "kind": keras.layers.Dense(3, activation="softmax", name="kind")(both),
        "price": keras.layers.Dense(1, name="price")(both),
    }
    return keras.Model({"image": image, "number": number}, outputs)


def sequence() -> keras.Model:
    layers = [keras.layers.Input((None,), dtype="int32"), keras.layers.Embedding(2, 4)]
    return keras.Sequential([*layers, keras.layers.LSTM(3), keras.layers.Dense(2)])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("build", [two_inputs_two_outputs, sequence])
def test_an_export_predicts_as_the_model(tmp_path, build, form):
    model = build()
    inputs = sample_inputs(model, NONE, 5)
    expected = keras.tree.flatten(model.predict_on_batch(inputs))
    # When it is exported, and the export predicts
    found = export(model, tmp_path, form, inputs)(inputs)
    # Then every output is the same
    assert len(found) == len(expected)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_samples_have_the_form_of_each_input():
    inputs = sample_inputs(two_inputs_two_outputs(), NONE, 5)
    assert inputs["image"].shape == (5, 4, 4)
    assert inputs["image"].dtype == np.uint8
    assert inputs["number"].dtype == np.float32
    again = sample_inputs(two_inputs_two_outputs(), NONE, 5)
    np.testing.assert_array_equal(inputs["image"], again["image"])
    word = keras.Input((1,), dtype="string")
    text = keras.Model(word, keras.layers.StringLookup(vocabulary=["a"])(word))
    assert sample_inputs(text, NONE, 3).dtype == object


def test_a_model_of_a_class_of_its_own_is_sampled_as_its_artifacts_say():
    def entry(name, shape, dtype):
        return Input(name, shape, dtype, "array", None, (name,))

    image, word = entry("image", (28, None), "uint8"), entry("word", (), "str")
    assert sample_inputs(keras.Model(), Interface((image,), ()), 2).shape == (2, 28, 8)
    both = sample_inputs(keras.Model(), Interface((image, word), ()), 2)
    assert (both["image"].dtype, both["word"].shape) == (np.uint8, (2,))


def test_without_the_packages_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(exported_models, "ONNX_PACKAGES", ("tf2onnx", "not_a_package"))
    with pytest.raises(BadJob, match="not_a_package not installed") as found:
        export(sequence(), tmp_path, "onnx", None)
    assert "fitq-worker[onnx]" in found.value.hint


def test_a_model_that_has_no_such_form_is_refused_in_words(tmp_path, monkeypatch):
    def fails(*_):
        raise NotImplementedError("no such operation\nin this format")

    monkeypatch.setitem(exported_models._FORMATS, "savedmodel", (fails, fails))
    with pytest.raises(BadJob, match=r"cannot be exported as savedmodel: no such operation\\n"):
        export(sequence(), tmp_path, "savedmodel", None)


@pytest.mark.parametrize("order", ["cancel", "drain", "timeout"])
def test_an_order_ends_a_conversion_that_takes_for_ever(tmp_path, monkeypatch, order):
    # Given a conversion without an end, and an order that comes meanwhile
    class Ordered:
        def obey(self):
            raise StopJob(order)

    def converts(*_):
        while True:
            pass

    monkeypatch.setitem(exported_models._FORMATS, "savedmodel", (converts, converts))
    # Then it is obeyed, and not taken for a fault of the model
    with pytest.raises(StopJob, match=order), Interrupting(Ordered()):
        export(sequence(), tmp_path, "savedmodel", None)
