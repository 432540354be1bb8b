"""Arrays in IDX files, the format in which MNIST and Fashion-MNIST are published.

Four bytes (0, 0, 8 for unsigned bytes, number of axes), the length of each axis in four
bytes, big end first, then the values in C order.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Protocol

import numpy as np

from fitq_shared.catalogue import DatasetFacts
from fitq_worker.datasets.dataset import Array, Arrays, byte_count, shapes
from fitq_worker.datasets.sources.source import DamagedSource, SourceUnavailable

UNSIGNED_BYTE = 8
FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


class Readable(Protocol):
    """What is asked of an open file."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; fewer only at the end."""


def read(file: Readable, shape: tuple[int, ...]) -> Array:
    """One array, uint8 of the given shape, from an unpacked IDX file.

    Reads no more than such an array needs, whatever the file holds.

    Raises:
        DamagedSource: the file is for another dtype or shape, or shorter or longer.
    """
    header = bytes([0, 0, UNSIGNED_BYTE, len(shape)])
    header += b"".join(length.to_bytes(4, "big") for length in shape)
    size = len(header) + byte_count(shape)
    content = file.read(size + 1)
    if not content.startswith(header):
        start = content[: len(header)].hex(" ")
        raise DamagedSource(f"no IDX file of uint8 {shape}: starts with {start or 'nothing'}")
    if len(content) != size:
        found = "more" if len(content) > size else f"{len(content):,}"
        raise DamagedSource(f"an IDX file of {found} bytes, expected {size:,}")
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape).copy()


def read_folder(folder: Path, facts: DatasetFacts) -> Arrays:
    """The arrays of a data set from its four IDX files, each packed with gzip (`.gz`).

    Returns:
        uint8 arrays in the shapes of the facts; their sums are not checked here.

    Raises:
        SourceUnavailable: a file is not there, or may not be read.
        DamagedSource: a file is not the right kind: see `read`.
    """
    return {
        key: _read_gz(folder / f"{FILES[key]}.gz", shape) for key, shape in shapes(facts).items()
    }


def _read_gz(path: Path, shape: tuple[int, ...]) -> Array:
    try:
        with gzip.open(path, "rb") as file:
            return read(file, shape)
    except (gzip.BadGzipFile, zlib.error, EOFError, DamagedSource) as error:
        raise DamagedSource(f"{path}: {error}") from error
    except FileNotFoundError as error:
        raise SourceUnavailable(f"there is no {path}") from error
    except OSError as error:
        raise SourceUnavailable(f"cannot read {path}: {error.strerror or error}") from error
