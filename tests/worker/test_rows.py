from __future__ import annotations

from collections.abc import Callable, Iterable

import keras
import numpy as np
import pytest

from fitq_worker.datasets.dataset import Dataset
from fitq_worker.rows import ShuffledRows, batches_of
from support.held import Held

Numbered = Callable[[int], Dataset]


def shuffled(dataset: Dataset, batch_size: int = 4, seed: int = 5) -> ShuffledRows:
    return ShuffledRows(Held(*dataset.split("train")), batch_size, seed)


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
    rows = ShuffledRows(Held(np.zeros(count)), batch_size, seed=0)
    steps = rows.steps_per_execution()
    # It divides the epoch, and is over before someone who cancels gets impatient
    assert steps >= 1
    assert rows.batches % steps == 0
    assert steps == 1 or steps * batch_size <= 2000


def test_small_batches_share_a_call_of_the_compiled_step() -> None:
    # Given an epoch of 375 batches
    rows = ShuffledRows(Held(np.zeros(48_000)), 128, seed=0)
    assert rows.batches == 375
    assert rows.steps_per_execution() == 15
