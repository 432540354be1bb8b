from __future__ import annotations

from collections.abc import Callable, Iterable

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from fitq_shared.errors import BadJob
from fitq_shared.specs.models import Mlp
from fitq_worker.datasets.dataset import Dataset
from fitq_worker.models import build_model
from fitq_worker.rows import ShuffledRows, batches_of, check_rows, split_rows

Numbered = Callable[[int], Dataset]


def shuffled(dataset: Dataset, batch_size: int = 4, seed: int = 5) -> ShuffledRows:
    return ShuffledRows(*dataset.split("train"), batch_size, seed)


@pytest.mark.parametrize(
    ("rows", "split"), [(10, 0.2), (10, 0.3), (37, 0.1), (37, 0.7), (60, 0.15), (101, 0.58)]
)
def test_the_split_is_that_of_model_fit(numbered: Numbered, rows: int, split: float) -> None:
    # Given a model that always says 0 and learns nothing, so that its mean absolute error is
    # the mean of its targets, and targets that are the numbers of their rows
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.0), "mae", run_eagerly=True)
    numbers = np.arange(rows, dtype="float32")
    history = model.fit(
        numbers, numbers, validation_split=split, batch_size=rows, epochs=1, verbose=0
    ).history
    # When the data set is split by the same share
    training, validation = split_rows(numbered(rows), split)
    # Then the same rows are on the same sides
    assert training[0][:, 0, 0].mean() == pytest.approx(history["loss"][0])
    assert validation[0][:, 0, 0].mean() == pytest.approx(history["val_loss"][0])
    assert len(training[0]) + len(validation[0]) == rows


def test_the_split_keeps_images_and_labels_together(numbered: Numbered) -> None:
    training, validation = split_rows(numbered(25), 0.2)
    assert [len(part) for part in (*training, *validation)] == [20, 20, 5, 5]
    for images, labels in (training, validation):
        np.testing.assert_array_equal(images[:, 0, 0] % 10, labels)


def test_without_a_split_nothing_is_held_back(numbered: Numbered) -> None:
    training, validation = split_rows(numbered(25), 0.0)
    assert len(training[0]) == 25
    assert len(validation[0]) == 0


def test_of_fewer_rows_the_first_are_taken_before_the_split(numbered: Numbered) -> None:
    # Given a job that wants ten rows of twenty-five, and the last fifth of these held back
    training, validation = split_rows(numbered(25), 0.2, 10)
    assert training[0][:, 0, 0].tolist() == training[1].tolist() == list(range(8))
    assert validation[0][:, 0, 0].tolist() == validation[1].tolist() == [8, 9]


def test_every_row_comes_once_an_epoch(numbered: Numbered) -> None:
    rows = shuffled(numbered(23))
    for epoch in range(3):
        assert sorted(rows.order(epoch)) == list(range(23))


def test_each_epoch_has_an_order_of_its_own(numbered: Numbered) -> None:
    rows = shuffled(numbered(23))
    orders = {tuple(rows.order(epoch)) for epoch in range(3)}
    assert len({*orders, tuple(range(23))}) == 4


def test_the_order_depends_on_the_seed_and_the_epoch_only(numbered: Numbered) -> None:
    # Given the orders of some epochs
    def orders(epochs: Iterable[int] = range(3), **changes: int) -> list[list[int]]:
        rows = shuffled(numbered(23), **changes)
        return [rows.order(epoch).tolist() for epoch in epochs]

    first = orders()
    # When the world has drawn other random numbers meanwhile
    np.random.seed(99)
    keras.utils.set_random_seed(99)
    # Then the same seed gives the same orders, whatever was asked before, in batches of any size
    assert orders() == first
    assert orders([2, 1, 0]) == first[::-1]
    assert orders(batch_size=7) == first
    # And another seed gives others
    assert all(one != other for one, other in zip(orders(seed=6), first, strict=True))


def test_the_order_is_the_one_that_is_documented(numbered: Numbered) -> None:
    # A training that is resumed elsewhere, perhaps by a later version, counts on it
    rows = shuffled(numbered(23), seed=8)
    for epoch in range(2):
        expected = np.random.default_rng([8, epoch]).permutation(23)
        assert rows.order(epoch).tolist() == expected.tolist()


@pytest.mark.parametrize(("count", "batches"), [(1, 1), (4, 1), (5, 2), (8, 2), (9, 3)])
def test_how_many_batches_rows_make(numbered: Numbered, count: int, batches: int) -> None:
    assert shuffled(numbered(count)).batches == batches
    assert batches_of(np.zeros((count, 2)), 4) == batches


@pytest.mark.parametrize("batch_size", [1, 7, 32, 100, 128, 1000, 3200, 5000, 60_000])
@pytest.mark.parametrize("count", [1, 97, 6_000, 48_000])
def test_no_call_of_the_compiled_step_runs_into_the_next_epoch(count: int, batch_size: int) -> None:
    rows = ShuffledRows(np.zeros((count, 1)), np.zeros(count), batch_size, seed=0)
    steps = rows.steps_per_execution()
    # It divides the epoch, and is over before someone who cancels gets impatient
    assert steps >= 1
    assert rows.batches % steps == 0
    assert steps == 1 or steps * batch_size <= 2000


def test_small_batches_share_a_call_of_the_compiled_step() -> None:
    # Given an epoch of 375 batches
    rows = ShuffledRows(np.zeros((48_000, 1)), np.zeros(48_000), 128, seed=0)
    assert rows.batches == 375
    assert rows.steps_per_execution() == 15


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return build_model(Mlp(units=[2]), (28, 28), 10)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
def test_rows_of_pixels_are_seen_as_they_are(
    model: keras.Model, raw_images: NDArray[np.uint8], dtype: str
) -> None:
    # Given pixels in numbers of some type, which are fine
    rows = raw_images.astype(dtype)
    check_rows(model, rows, "images.npy")
    # Then the model sees the same as in bytes
    np.testing.assert_array_equal(
        model.predict(rows, verbose=0), model.predict(raw_images, verbose=0)
    )


def test_rows_that_the_model_would_see_as_black_are_refused(
    model: keras.Model, raw_images: NDArray[np.uint8]
) -> None:
    # Given images scaled to 0..1, which Keras casts to bytes without a word
    scaled = raw_images / 256
    black = model.predict(np.zeros_like(raw_images), verbose=0)
    np.testing.assert_array_equal(model.predict(scaled, verbose=0), black)
    # Then they are refused, with what to do
    with pytest.raises(BadJob) as caught:
        check_rows(model, scaled, "images.npy")
    assert "images.npy has fractions of dtype float64 from 0 to 0.99" in caught.value.message
    assert "whole numbers from 0 to 255" in caught.value.message
    assert "astype('uint8')" in caught.value.hint


@pytest.mark.parametrize(
    "shape", [(5, 28, 27), (28, 28), (5, 784), (5, 28, 28, 1), (0, 28, 28), ()]
)
def test_rows_of_another_shape_are_named_with_both_shapes(
    model: keras.Model, shape: tuple[int, ...]
) -> None:
    with pytest.raises(BadJob) as caught:
        check_rows(model, np.zeros(shape, np.uint8), "images.npy")
    assert f"images.npy has shape {shape}" in caught.value.message
    assert "(n, 28, 28)" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("dtype", ["bool", "complex64", "U1", "datetime64[s]"])
def test_rows_that_are_no_numbers_are_refused(model: keras.Model, dtype: str) -> None:
    with pytest.raises(BadJob, match=r"images\.npy has values of dtype") as caught:
        check_rows(model, np.zeros((5, 28, 28), dtype), "images.npy")
    assert str(np.dtype(dtype)) in caught.value.message
