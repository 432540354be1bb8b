from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from fitq_worker.datasets.dataset import Dataset, check
from fitq_worker.datasets.fashion_mnist import FASHION_MNIST
from fitq_worker.datasets.idx import FILES


def test_fashion_mnist_is_found_where_keras_keeps_it(
    real: dict[str, Dataset], keras_home: Path
) -> None:
    # Given the four IDX files in Keras's home
    folder = keras_home / "datasets" / "fashion-mnist"
    folder.mkdir()
    for key, array in real["fashion_mnist"].arrays.items():
        lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
        content = bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes()
        (folder / f"{FILES[key]}.gz").write_bytes(gzip.compress(content, 1))

    # When the first source is asked, then it has the data set
    check(FASHION_MNIST.facts, FASHION_MNIST.sources[0].fetch(FASHION_MNIST.facts))


def test_fashion_mnist_comes_from_the_cache_the_internet_then_the_packages() -> None:
    assert [source.name for source in FASHION_MNIST.sources] == [
        "Keras's local cache",
        "Keras's download",
        "Debian's package dataset-fashion-mnist",
    ]


@pytest.mark.parametrize("word", ["train-images-idx3-ubyte.gz", "~/.keras", "internet"])
def test_the_remedy_says_what_to_put_where(word: str) -> None:
    assert word in FASHION_MNIST.remedy
