from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture
def png_size() -> Callable[[Path], tuple[int, int]]:
    """Width and height in pixels, read from a PNG's own header."""

    def read(path: Path) -> tuple[int, int]:
        head = path.read_bytes()[:24]
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", head[16:24])
        return width, height

    return read


@pytest.fixture
def images() -> NDArray[np.uint8]:
    """Thirty images, bright in the upper left corner only; number i has i in its centre."""
    made = np.zeros((30, 28, 28), np.uint8)
    made[:, :5, :5] = 255
    made[:, 14, 14] = np.arange(30)
    return made
