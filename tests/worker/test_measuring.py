"""Models at hand, measured on rows whose targets are known."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from fitq_worker.compiling import Wishes, feed_of
from fitq_worker.held_out import Measured, all_of
from fitq_worker.interface import interface_of
from fitq_worker.measuring import measuring
from fitq_worker.ports import outputs_of
from fitq_worker.published_model import LoadedModel
from support.own_models import pictures, with_head
from support.trainings import Orders


def test_layers_of_which_the_last_is_a_users_model_are_measured_as_a_whole() -> None:
    # Given a model whose last layer would measure in a way of its own
    examples, whole = pictures(), with_head()
    model = keras.Model(whole.inputs, whole.outputs)
    feed = feed_of(model, examples, Wishes("sparse_categorical_crossentropy", None, {}))
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    interface = interface_of(feed, examples.inputs, outputs_of(model))
    published = LoadedModel(model, interface, model.get_compile_config())
    rows = Measured(examples, all_of(examples), "train", "train split", "train")
    # When it is measured
    found = measuring(published, rows, "pictures", 32, Orders(at=None)).metrics()
    # Then that is done as Keras does it
    inputs, targets = examples.read(np.arange(len(examples)))
    expected = model.evaluate(inputs["image"], targets["label"], verbose=0, return_dict=True)
    assert found == pytest.approx(expected, rel=1e-4)
