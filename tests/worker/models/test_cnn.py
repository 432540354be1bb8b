from __future__ import annotations

from typing import Any, get_args

import keras
import numpy as np
import pytest

from fitq_shared.errors import BadJob
from fitq_shared.specs.models import Activation, Cnn
from support.models import image_model

SMALL = {"filters": [3, 4], "units": 6}


def build(**options: Any) -> keras.Model:
    return image_model(Cnn(**{**SMALL, **options}), (28, 28), 10)


def test_it_takes_raw_images_and_gives_probabilities(
    assert_gives_probabilities, assert_scales_inside
) -> None:
    # Given a cnn with the options that are the default
    model = image_model(Cnn(), (28, 28), 10)
    # Then it takes uint8 images as they are, and scales them itself
    assert model.inputs[0].dtype == "uint8"
    assert model.input_shape == (None, 28, 28)
    assert_scales_inside(model)
    assert_gives_probabilities(model)


def test_filters_kernel_size_and_units_decide_the_parameters() -> None:
    # Given two blocks, the pooling of which leaves 7 by 7 pixels
    model = build(filters=[3, 4], kernel_size=5, units=6)
    # Then each number has its share
    first, second = 5 * 5 * 1 * 3 + 3, 5 * 5 * 3 * 4 + 4
    assert model.count_params() == first + second + 7 * 7 * 4 * 6 + 6 + 6 * 10 + 10


def test_each_number_of_filters_is_a_block_of_its_own() -> None:
    model = build(filters=[2, 3, 4])
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [2, 3, 4]
    assert [layer.output.shape[1:3] for layer in convolutions] == [(28, 28), (14, 14), (7, 7)]


@pytest.mark.parametrize("activation", sorted(set(get_args(Activation)) - {"relu"}))
def test_each_activation_changes_what_is_predicted(activation: str, assert_differs) -> None:
    assert_differs(build(), build(activation=activation))


def test_the_activation_is_that_of_all_its_layers() -> None:
    model = build(activation="tanh")
    used = [layer.activation.__name__ for layer in model.layers if hasattr(layer, "activation")]
    assert used == ["tanh", "tanh", "tanh", "softmax"]


def test_dropout_works_in_training_only(drops_in_training_only) -> None:
    assert drops_in_training_only(build(units=32, dropout=0.5))
    assert not drops_in_training_only(build(units=32, dropout=0.0))


def test_dropout_comes_last_before_the_classes() -> None:
    model = build(dropout=0.25)
    assert isinstance(model.layers[-2], keras.layers.Dropout)
    assert model.layers[-2].rate == 0.25


def test_too_small_images_are_the_job_s_mistake() -> None:
    # Given images that the second pooling leaves nothing of
    with pytest.raises(BadJob) as caught:
        image_model(Cnn(filters=[2, 2]), (3, 3), 10)
    # Then the error names model and images, and says what to change
    assert caught.value.message.startswith("the cnn does not fit images of shape (3, 3)")
    assert "\n" not in caught.value.message
    assert "fewer or smaller layers" in caught.value.hint


def test_the_smallest_images_that_fit() -> None:
    model = image_model(Cnn(filters=[2, 2], units=2), (4, 4), 3)
    assert model.predict_on_batch(np.zeros((1, 4, 4), np.uint8)).shape == (1, 3)


def test_plain_keras_loads_it_again(assert_survives_saving) -> None:
    loaded = assert_survives_saving(build(kernel_size=2, dropout=0.4, activation="gelu"))
    assert loaded.layers[-2].rate == 0.4
