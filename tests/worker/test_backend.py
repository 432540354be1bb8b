from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fitq_shared.errors import StoreError
from fitq_worker import backend
from fitq_worker.rows import ShuffledRows
from support.held import Held


def numbered(count: int, batch_size: int, **changes: Any) -> ShuffledRows:
    """Row i is an image full of i, and its target is i too."""
    x = np.arange(count, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    values = {"y": np.arange(count, dtype="int32"), "in_memory": True, **changes}
    return ShuffledRows(Held(x, values["y"], in_memory=values["in_memory"]), batch_size, seed=5)


def batches(rows: ShuffledRows, count: int, *begin: int) -> list[tuple[Any, Any]]:
    taken = itertools.islice(backend.stream(rows, *begin), count)
    return [(x.numpy(), y.numpy()) for x, y in taken]


def orders(rows: ShuffledRows, epochs: range) -> list[int]:
    return [int(row) for epoch in epochs for row in rows.order(epoch)]


def test_epochs_come_one_after_the_other_each_in_its_order() -> None:
    # Given three epochs of three batches
    rows = numbered(10, 4)
    found = batches(rows, 9)
    # Then all rows come in the orders of these epochs
    assert [int(y) for _, targets in found for y in targets] == orders(rows, range(3))


def test_the_last_batch_of_each_epoch_has_what_is_left() -> None:
    sizes = [len(targets) for _, targets in batches(numbered(10, 4), 6)]
    assert sizes == [4, 4, 2, 4, 4, 2]


def test_images_stay_raw_and_stay_with_their_targets() -> None:
    for images, targets in batches(numbered(10, 4), 6):
        assert (images.dtype, targets.dtype) == (np.uint8, np.int32)
        assert images.shape == (len(targets), 2, 2)
        np.testing.assert_array_equal(images[:, 0, 0], targets)


def test_targets_may_be_one_hot() -> None:
    rows = numbered(6, 4, y=np.eye(6, dtype="float32"))
    for images, targets in batches(rows, 2):
        assert targets.dtype == np.float32
        np.testing.assert_array_equal(targets.argmax(axis=1), images[:, 0, 0])


def test_rows_that_are_read_on_demand_come_in_the_same_batches() -> None:
    # Given the same rows in memory, and read batch by batch
    held, read = (batches(numbered(10, 4, in_memory=there), 9, 1, 1) for there in (True, False))
    # Then the batches are the same
    for one, other in zip(held, read, strict=True):
        for part, same in zip(one, other, strict=True):
            assert part.dtype == same.dtype
            np.testing.assert_array_equal(part, same)


@pytest.mark.parametrize("in_memory", [True, False])
def test_rows_to_validate_on_come_once_and_in_their_order(in_memory: bool) -> None:
    data = Held(np.arange(7, dtype="float32"), in_memory=in_memory)
    found = [batch.numpy().tolist() for batch in backend.batches(data, 3)]
    assert found == [[0, 1, 2], [3, 4, 5], [6]]
    assert int(backend.batches(data, 3).cardinality()) == 3


def test_why_rows_cannot_be_read_is_raised() -> None:
    # Given rows of which the last cannot be read
    class Broken(Held):
        def read(self, places: Any) -> Any:
            if not isinstance(places, slice) and 6 in places:
                raise StoreError("row 6 is damaged")
            return super().read(places)

    data = Broken(np.arange(7, dtype="float32"), in_memory=False)
    # When they are read by TensorFlow, which keeps only the words of an error
    with pytest.raises(StoreError, match="row 6"), backend.reading():
        list(backend.batches(data, 3))
    # Then the error itself is raised, and it is not that of whoever reads next
    with pytest.raises(tf.errors.OpError), backend.reading():
        raise tf.errors.UnknownError(None, None, "something else")


def test_what_rows_were_read_ahead_for_nobody_is_no_fault_of_the_next_job() -> None:
    # Given rows that could not be read, after the job had stopped waiting for them
    class Broken(Held):
        def read(self, places: Any) -> Any:
            if not isinstance(places, slice):
                raise StoreError("these rows are damaged")
            return super().read(places)

    with pytest.raises(tf.errors.OpError):
        list(backend.batches(Broken(np.arange(7, dtype="float32"), in_memory=False), 3))
    # When the next job fails
    with pytest.raises(tf.errors.OpError, match="out of memory"), backend.reading():
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory")


def test_a_later_first_epoch_goes_on_with_the_sequence() -> None:
    # Given a training that goes on at the third epoch
    rows = numbered(10, 4)
    found = batches(rows, 6, 2)
    # Then it sees what it would have seen
    assert [int(y) for _, targets in found for y in targets] == orders(rows, range(2, 4))


@pytest.mark.parametrize("done", [1, 2])
def test_a_later_first_batch_goes_on_with_the_epoch(done: int) -> None:
    # Given a training that goes on within the third epoch of three batches
    rows = numbered(10, 4)
    found = batches(rows, 6 - done, 2, done)
    # Then it sees the rest of that epoch, and then the next
    assert [int(y) for _, targets in found for y in targets] == orders(rows, range(2, 4))[
        4 * done :
    ]
    assert [len(targets) for _, targets in found] == [4, 4, 2, 4, 4, 2][done:]


def test_fit_on_the_stream_is_one_step_a_batch_in_this_order() -> None:
    # Given a model, and what it is after steps on the batches of two epochs, one by one
    def fresh(steps: int = 1) -> keras.Model:
        keras.utils.set_random_seed(3)
        model = keras.Sequential(
            [keras.Input((2, 2)), keras.layers.Flatten(), keras.layers.Dense(1)]
        )
        model.compile(keras.optimizers.SGD(1e-3), "mse", steps_per_execution=steps)
        return model

    rows = numbered(12, 4)
    expected = fresh()
    for epoch in range(2):
        for at in range(0, 12, 4):
            batch = rows.order(epoch)[at : at + 4]
            expected.train_on_batch(*rows.data.read(batch))
    # When the same model is fitted to the stream
    model = fresh(rows.steps_per_execution())
    model.fit(
        backend.stream(rows), steps_per_epoch=rows.batches, epochs=2, shuffle=False, verbose=0
    )
    # Then its weights are the same
    for found, wanted in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_versions_are_those_that_run() -> None:
    found = backend.versions()
    assert found["keras"] == keras.__version__
    assert found["tensorflow"] == tf.__version__


def test_threads_are_those_of_one_operation() -> None:
    assert backend.threads() == tf.config.threading.get_intra_op_parallelism_threads()


@pytest.mark.parametrize("error", [ValueError("memory"), OSError(28, "no space"), KeyError()])
def test_other_errors_are_no_want_of_memory(error: Exception) -> None:
    assert backend.memory_is_exhausted(error) is None
