"""Rows to train on that a test holds in memory, or pretends not to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Held:
    """Arrays of equal length, as `fit` takes them.

    Args:
        in_memory: whether all rows may be had at once.
    """

    def __init__(self, *parts: NDArray[Any], in_memory: bool = True) -> None:
        self.parts = parts
        self._in_memory = in_memory

    def __len__(self) -> int:
        return len(self.parts[0])

    def read(self, places: NDArray[np.int64] | slice) -> tuple[NDArray[Any], ...]:
        return tuple(part[places] for part in self.parts)

    def whole(self) -> tuple[NDArray[Any], ...] | None:
        return self.parts if self._in_memory else None
