"""Images in their files' own form, decoded when they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitq_shared.specs.steps import Resize
from fitq_worker.datasets.columns import TextColumn
from fitq_worker.datasets.pictures import Channels, decode_picture
from fitq_worker.examples import Field


@dataclass(frozen=True, eq=False)
class ImageColumn:
    """Images of one size, or brought to one size.

    Attributes:
        content: the files, one after the other: uint8 of shape (bytes,).
        bounds: where each begins and ends there: int64 of shape (n, 2).
        paths: what each is called.
        size: height and width of all of them.
        resize: how they are brought to that size; None where they all have it.
    """

    content: NDArray[np.uint8]
    bounds: NDArray[np.int64]
    paths: TextColumn
    size: tuple[int, int]
    channels: Channels = 3
    resize: Resize | None = None

    @property
    def field(self) -> Field:
        """Their size, with the channels last."""
        return Field((*self.size, self.channels), "uint8", kind="image")

    def __len__(self) -> int:
        return len(self.bounds)

    def read(self, rows: NDArray[Any]) -> NDArray[np.uint8]:
        """The pixels, of shape (n, height, width, channels), values 0 to 255.

        Raises:
            BadJob: an image is broken; names it.
        """
        pixels = np.empty((len(rows), *self.field.shape), np.uint8)
        names = self.paths.read(rows)
        for at, (name, (start, end)) in enumerate(zip(names, self.bounds[rows], strict=True)):
            content = self.content[start:end].tobytes()
            pixels[at] = decode_picture(content, name, self.channels, self.resize)
        return pixels
