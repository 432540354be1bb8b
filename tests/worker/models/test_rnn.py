from __future__ import annotations

from typing import Any

import keras
import numpy as np

from fitq_shared.specs.models import Rnn
from support.models import image_model


def build(**options: Any) -> keras.Model:
    return image_model(Rnn(**{"units": [5], **options}), (28, 28), 10)


def test_it_takes_raw_images_and_gives_probabilities(
    assert_gives_probabilities, assert_scales_inside
) -> None:
    # Given an rnn with the options that are the default
    model = image_model(Rnn(), (28, 28), 10)
    # Then it takes uint8 images as they are, and scales them itself
    assert model.inputs[0].dtype == "uint8"
    assert model.input_shape == (None, 28, 28)
    assert_scales_inside(model)
    assert_gives_probabilities(model)


def test_units_decide_the_parameters_of_an_lstm() -> None:
    # An LSTM has four gates, each with weights for the input, for its own output, and a bias
    first, second = 4 * (28 + 5 + 1) * 5, 4 * (5 + 3 + 1) * 3
    assert build(units=[5, 3]).count_params() == first + second + 3 * 10 + 10


def test_cell_chooses_gru_instead_of_lstm() -> None:
    # A GRU has three gates, and in Keras two biases for each
    assert build(cell="gru").count_params() == 3 * (28 + 5 + 2) * 5 + 5 * 10 + 10


def test_bidirectional_reads_both_ways() -> None:
    # Given an rnn that reads its rows both ways
    model = build(bidirectional=True, units=[5, 3])
    # Then each layer is there twice, and the next takes from both
    first, second = 2 * 4 * (28 + 5 + 1) * 5, 2 * 4 * (10 + 3 + 1) * 3
    assert model.count_params() == first + second + 6 * 10 + 10


def test_rows_are_the_steps_of_the_sequence() -> None:
    # Given images that are wider than they are high
    model = image_model(Rnn(units=[5]), (3, 8), 4)
    # Then a step has as many numbers as a row has pixels
    assert model.count_params() == 4 * (8 + 5 + 1) * 5 + 5 * 4 + 4
    assert model.predict_on_batch(np.zeros((2, 3, 8), np.uint8)).shape == (2, 4)


def test_dropout_works_in_training_only(drops_in_training_only) -> None:
    assert drops_in_training_only(build(dropout=0.5))
    assert drops_in_training_only(build(dropout=0.5, bidirectional=True))
    assert not drops_in_training_only(build(dropout=0.0))


def test_each_layer_has_the_dropout() -> None:
    model = build(units=[5, 4], dropout=0.3)
    cells = [layer for layer in model.layers if isinstance(layer, keras.layers.LSTM)]
    assert [cell.dropout for cell in cells] == [0.3, 0.3]


def test_plain_keras_loads_it_again(assert_survives_saving) -> None:
    assert_survives_saving(build(units=[4, 3], cell="gru", bidirectional=True, dropout=0.2))
    assert_survives_saving(build())
