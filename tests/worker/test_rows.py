from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from fitq_shared.errors import BadJob
from fitq_shared.specs.models import Mlp
from fitq_worker.datasets.dataset import Dataset
from fitq_worker.models import build_model
from fitq_worker.rows import ShuffledRows, batches_of, check_rows, split_rows
from fitq_worker.targets import Targets

Numbered = Callable[[int], Dataset]


def shuffled(dataset: Dataset, **changes: int) -> ShuffledRows:
    values = {"batch_size": 4, "seed": 5, **changes}
    return ShuffledRows(*dataset.split("train"), Targets(10, one_hot=False), **values)


def one_epoch(rows: ShuffledRows) -> list[int]:
    """The numbers of the rows in the order in which they are given, up to the epoch's end."""
    numbers = [int(image[0, 0]) for batch in range(len(rows)) for image in rows[batch][0]]
    rows.on_epoch_end()
    return numbers


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


def test_every_row_comes_once_an_epoch(numbered: Numbered) -> None:
    rows = shuffled(numbered(23))
    for _ in range(3):
        assert sorted(one_epoch(rows)) == list(range(23))


def test_labels_stay_with_their_images(numbered: Numbered) -> None:
    rows = shuffled(numbered(23))
    for index in range(len(rows)):
        images, labels = rows[index]
        np.testing.assert_array_equal(images[:, 0, 0] % 10, labels)


def test_images_stay_raw_and_labels_take_the_loss_s_form(numbered: Numbered) -> None:
    # Given a loss that takes labels one-hot
    dataset = numbered(6)
    rows = ShuffledRows(*dataset.split("train"), Targets(10, one_hot=True), 6, 5)
    images, labels = rows[0]
    # Then the labels are, and the images are as they were
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(labels.argmax(axis=1), images[:, 0, 0] % 10)


def test_each_epoch_has_an_order_of_its_own(numbered: Numbered) -> None:
    rows = shuffled(numbered(23))
    orders = [tuple(one_epoch(rows)) for _ in range(3)]
    assert len({*orders, tuple(range(23))}) == 4


def test_the_order_depends_on_the_seed_and_the_epoch_only(numbered: Numbered) -> None:
    # Given the orders of some epochs
    def orders(**changes: int) -> list[list[int]]:
        rows = shuffled(numbered(23), **changes)
        return [one_epoch(rows) for _ in range(3)]

    first = orders()
    # When the world has drawn other random numbers meanwhile, and batches have another size
    np.random.seed(99)
    keras.utils.set_random_seed(99)
    # Then the same seed gives the same orders, and another gives others
    assert orders() == first
    assert orders(batch_size=7) == first
    assert all(one != other for one, other in zip(orders(seed=6), first, strict=True))


def test_the_order_is_the_one_that_is_documented(numbered: Numbered) -> None:
    # A training that is resumed elsewhere, perhaps by a later version, counts on it
    rows = shuffled(numbered(23), seed=8)
    for epoch in range(2):
        expected = np.random.default_rng([8, epoch]).permutation(23)
        assert one_epoch(rows) == expected.tolist()


def test_a_later_first_epoch_goes_on_with_the_sequence(numbered: Numbered) -> None:
    # Given the orders of five epochs
    rows = shuffled(numbered(23))
    whole = [one_epoch(rows) for _ in range(5)]
    # When a training goes on at the third
    later = shuffled(numbered(23), first_epoch=2)
    # Then it sees what it would have seen
    assert [one_epoch(later) for _ in range(3)] == whole[2:]


def test_fit_takes_the_orders_of_epochs_in_a_row(numbered: Numbered) -> None:
    # Given a model that notes what it is given
    seen: list[int] = []

    class Notes(keras.Model):
        def train_step(self, data: tuple[NDArray[np.uint8], NDArray[np.int32]]) -> dict[str, float]:
            seen.extend(int(image[0, 0]) for image in np.asarray(data[0]))
            return {"loss": 0.0}

        def call(self, x: object) -> object:
            return x

    model = Notes()
    model.compile(run_eagerly=True)
    # When it is trained for three epochs
    model.fit(shuffled(numbered(10)), epochs=3, shuffle=False, verbose=0)
    # Then it has seen the orders of three epochs that follow each other
    rows = shuffled(numbered(10))
    orders = [one_epoch(rows) for _ in range(4)]
    assert seen in (sum(orders[:3], []), sum(orders[1:], []))


def test_the_last_batch_has_what_is_left(numbered: Numbered) -> None:
    rows = shuffled(numbered(10), batch_size=4)
    assert [len(rows[index][1]) for index in range(len(rows))] == [4, 4, 2]


@pytest.mark.parametrize(("count", "batches"), [(1, 1), (4, 1), (5, 2), (8, 2), (9, 3)])
def test_how_many_batches_rows_make(numbered: Numbered, count: int, batches: int) -> None:
    assert len(shuffled(numbered(count), batch_size=4)) == batches
    assert batches_of(np.zeros((count, 2)), 4) == batches


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return build_model(Mlp(units=[2]), (28, 28), 10)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
def test_rows_of_numbers_that_fit_are_fine(model: keras.Model, dtype: str) -> None:
    check_rows(model, np.zeros((1, 28, 28), dtype), "images.npy")


@pytest.mark.parametrize("shape", [(5, 28, 27), (28, 28), (5, 784), (5, 28, 28, 1), (0, 28, 28), ()])
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
    with pytest.raises(BadJob, match="images.npy has dtype") as caught:
        check_rows(model, np.zeros((5, 28, 28), dtype), "images.npy")
    assert str(np.dtype(dtype)) in caught.value.message
