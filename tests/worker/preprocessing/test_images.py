from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from fitq_shared.errors import BadJob
from fitq_worker.datasets.columns import Table
from fitq_worker.preprocessing.preparation import Preparation
from fitq_worker.preprocessing.prepared import Prepared
from worker.preprocessing.conftest import everything, table

Learn = Callable[..., Preparation]
ROWS = np.array([3, 0, 2])
AUGMENT = {
    "type": "augment",
    **{"flip": "both", "rotate": 0.2, "zoom": 0.3, "shift": 0.2, "contrast": 0.5},
}


@pytest.fixture
def gray() -> Table:
    return table(photo=np.random.default_rng(1).integers(0, 256, (5, 8, 10), np.uint8))


@pytest.fixture
def coloured() -> Table:
    return table(photo=np.random.default_rng(1).integers(0, 256, (5, 8, 10, 3), np.uint8))


def shape_of(learn: Learn, examples: Table, *steps: Any) -> tuple[int, ...]:
    preparation = learn(examples, {"photo": list(steps)})
    found = preparation.apply(everything(examples))["photo"]
    assert found.shape[1:] == preparation.fields["photo"].shape
    return found.shape[1:]


def test_sizes_channels_and_ranges(learn: Learn, gray: Table, coloured: Table) -> None:
    resize = {"type": "resize", "height": 4, "width": 6}
    assert shape_of(learn, gray, resize) == (4, 6)
    assert shape_of(learn, coloured, {**resize, "aspect": "crop"}, "flatten") == (72,)
    assert shape_of(learn, coloured, "grayscale", {**resize, "aspect": "pad"}) == (4, 6, 1)
    assert shape_of(learn, coloured, {"type": "center_crop", "height": 2, "width": 2}) == (2, 2, 3)


def test_normalize_goes_by_channel(learn: Learn, gray: Table, coloured: Table) -> None:
    for examples in (gray, coloured):
        raw = everything(examples)["photo"].astype("float64")
        found = learn(examples, {"photo": ["rescale", "normalize"]}).apply(everything(examples))
        pixels = raw.reshape(-1, 3) if raw.ndim == 4 else raw.reshape(-1, 1)
        expected = (pixels - pixels.mean(axis=0)) / pixels.std(axis=0)
        np.testing.assert_allclose(found["photo"].reshape(pixels.shape), expected, atol=1e-4)


def test_augmentation_depends_on_seed_and_batch_alone(learn: Learn, gray: Table) -> None:
    # Given images that are changed at random while training
    preparation = learn(gray, {"photo": ["rescale", AUGMENT]})
    data = Prepared(gray, preparation, training=True)
    first = data.read(ROWS)[0]["photo"]
    assert preparation.draws

    # When the same batch is read again, here or in another process that begins there
    data.read(ROWS[::-1])
    np.testing.assert_array_equal(data.read(ROWS)[0]["photo"], first)
    again = Prepared(gray, learn(gray, {"photo": ["rescale", AUGMENT]}), training=True)
    np.testing.assert_array_equal(again.read(ROWS)[0]["photo"], first)

    # Then it is the same; in another order, and by another seed, it is not
    assert not np.array_equal(data.read(ROWS[::-1])[0]["photo"][::-1], first)
    other = learn(gray, {"photo": ["rescale", AUGMENT]}, seed=2)
    assert not np.array_equal(other.apply({"photo": gray.read(ROWS)[0]["photo"]}, ROWS), first)
    # And pixels stay pixels
    assert first.min() >= 0
    assert first.max() <= 1


def test_only_training_is_augmented(learn: Learn, gray: Table, saved: Any) -> None:
    preparation = learn(gray, {"photo": ["rescale", AUGMENT, "flatten"]})
    plain = everything(gray)["photo"].reshape(5, 80) / 255
    # Validation sees the images as they are
    np.testing.assert_allclose(
        Prepared(gray, preparation).read(np.arange(5))[0]["photo"], plain, atol=1e-6
    )
    # And so does the saved model, which has the layers
    inputs = keras.Input((80,), name="photo")
    model = keras.Model(inputs, keras.layers.Rescaling(1.0)(inputs))
    loaded = saved(preparation.wrap(model))
    np.testing.assert_allclose(loaded.predict(everything(gray), verbose=0), plain, atol=1e-6)
    kinds = {type(layer).__name__ for layer in loaded.layers}
    assert {"RandomFlip", "RandomRotation", "RandomZoom", "RandomContrast"} <= kinds


def test_two_channels_cannot_become_gray(learn: Learn) -> None:
    examples = table(photo=np.zeros((2, 4, 4, 4), np.uint8))
    with pytest.raises(BadJob, match="'photo' have 4 channels: expected 3"):
        learn(examples, {"photo": "grayscale"})
