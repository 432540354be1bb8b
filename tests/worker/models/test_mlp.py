from __future__ import annotations

from typing import Any, get_args

import keras
import numpy as np
import pytest

from fitq_shared.specs.models import Activation, Mlp
from support.models import image_model


def build(**options: Any) -> keras.Model:
    return image_model(Mlp(**options), (28, 28), 10)


def kinds(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def test_it_takes_raw_images_and_gives_probabilities(
    assert_gives_probabilities, assert_scales_inside
) -> None:
    # Given an mlp with the options that are the default
    model = build()
    # Then it takes uint8 images as they are, and scales them itself
    assert model.inputs[0].dtype == "uint8"
    assert model.input_shape == (None, 28, 28)
    assert_scales_inside(model)
    assert_gives_probabilities(model)


def test_the_256_128_model_has_235146_parameters() -> None:
    # Weights and biases: (784 + 1) 256, (256 + 1) 128 and (128 + 1) 10
    assert build(units=[256, 128]).count_params() == 235_146


def test_units_are_the_widths_of_the_layers() -> None:
    # Given three layers
    model = build(units=[5, 3, 4])
    # Then there are three of these widths before the classes
    dense = [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert dense == [5, 3, 4, 10]


@pytest.mark.parametrize("activation", sorted(set(get_args(Activation)) - {"relu"}))
def test_each_activation_changes_what_is_predicted(activation: str, assert_differs) -> None:
    assert_differs(build(units=[8], activation="relu"), build(units=[8], activation=activation))


def test_each_layer_has_its_own_activation(assert_differs) -> None:
    # Given the same two activations in another order
    one = build(units=[8, 8], activation=["relu", "tanh"])
    other = build(units=[8, 8], activation=["tanh", "relu"])
    # Then the models differ
    assert_differs(one, other)


def test_one_dropout_holds_for_all_layers() -> None:
    model = build(units=[8, 8], dropout=0.25)
    assert kinds(model)[2:] == ["Dense", "Dropout", "Dense", "Dropout", "Dense"]
    assert [model.layers[3].rate, model.layers[5].rate] == [0.25, 0.25]


def test_each_layer_has_its_own_dropout_after_it() -> None:
    model = build(units=[8, 8, 8], dropout=[0.4, 0.0, 0.3])
    # Then a layer without dropout has none, and the others have theirs behind them
    assert kinds(model)[2:] == ["Dense", "Dropout", "Dense", "Dense", "Dropout", "Dense"]
    assert [model.layers[3].rate, model.layers[6].rate] == [0.4, 0.3]


def test_dropout_works_in_training_only(drops_in_training_only) -> None:
    assert drops_in_training_only(build(units=[16], dropout=0.5))
    assert not drops_in_training_only(build(units=[16], dropout=0.0))


def test_images_and_classes_may_have_other_numbers() -> None:
    # Given images of 5 by 3 pixels and 4 classes
    model = image_model(Mlp(units=[6]), (5, 3), 4)
    # Then the model fits them
    assert model.predict_on_batch(np.zeros((2, 5, 3), np.uint8)).shape == (2, 4)
    assert model.count_params() == 15 * 6 + 6 + 6 * 4 + 4


def test_the_same_seed_gives_the_same_weights() -> None:
    weights = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        weights.append(build(units=[4]).get_weights()[0])
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_plain_keras_loads_it_again(assert_survives_saving) -> None:
    loaded = assert_survives_saving(
        build(units=[8, 4], dropout=[0.4, 0.3], activation="leaky_relu")
    )
    assert [layer.rate for layer in loaded.layers if hasattr(layer, "rate")] == [0.4, 0.3]
