"""What each kind of model must do."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@pytest.fixture
def assert_gives_probabilities(raw_images: Pixels) -> Callable[[keras.Model], None]:
    """Raw pixels go in; for each image one float32 for each class comes out, together 1."""

    def check(model: keras.Model) -> None:
        assert raw_images.dtype == np.uint8
        assert raw_images.max() > 200
        probabilities = model.predict_on_batch(raw_images)
        assert probabilities.shape == (len(raw_images), 10)
        assert probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)

    return check


@pytest.fixture
def assert_scales_inside(raw_images: Pixels) -> Callable[[keras.Model], None]:
    """What comes after the scaling sees values from 0 to 1."""

    def check(model: keras.Model) -> None:
        scaled = np.asarray(model.get_layer("scale")(raw_images))
        np.testing.assert_allclose(scaled, raw_images / 255.0, rtol=1e-6)

    return check


@pytest.fixture
def assert_survives_saving(
    raw_images: Pixels, tmp_path: Path
) -> Callable[[keras.Model], keras.Model]:
    """Plain Keras loads the model in safe mode, and it predicts the same."""

    def check(model: keras.Model) -> keras.Model:
        path = tmp_path / "model.keras"
        model.save(path)
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
        assert modules_named(config) <= {None, "keras", "keras.layers", "keras.initializers"}
        loaded = keras.models.load_model(path, safe_mode=True)
        assert loaded is not model
        before = model.predict_on_batch(raw_images)
        np.testing.assert_array_equal(loaded.predict_on_batch(raw_images), before)
        return loaded

    return check


def modules_named(config: object) -> set[str | None]:
    """The modules that a saved model would import."""
    if isinstance(config, dict):
        here = {config["module"]} if "module" in config else set()
        return here.union(*map(modules_named, config.values()))
    if isinstance(config, list):
        return set().union(*map(modules_named, config))
    return set()


@pytest.fixture
def assert_differs(raw_images: Pixels) -> Callable[[keras.Model, keras.Model], None]:
    """With the very same weights, the two models predict something else."""

    def check(one: keras.Model, other: keras.Model) -> None:
        other.set_weights(one.get_weights())
        first, second = (model.predict_on_batch(raw_images) for model in (one, other))
        assert not np.allclose(first, second, rtol=1e-3, atol=1e-5)

    return check


@pytest.fixture
def drops_in_training_only(raw_images: Pixels) -> Callable[[keras.Model], bool]:
    """Whether chance plays a part in training, while it plays none in prediction."""

    def check(model: keras.Model) -> bool:
        calm = [np.asarray(model(raw_images, training=False)) for _ in range(2)]
        np.testing.assert_array_equal(*calm)
        shaken = [np.asarray(model(raw_images, training=True)) for _ in range(2)]
        return not np.array_equal(*shaken)

    return check
