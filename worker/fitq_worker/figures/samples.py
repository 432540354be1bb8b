"""The picture of a data set: some of its images with the names of their classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fitq_worker.figures._canvas import save_figure
from fitq_worker.figures._grid import draw_grid

INK = "#333333"


def plot_samples(images: NDArray[np.uint8], names: Sequence[str], path: Path, title: str) -> None:
    """Write up to 25 images, five in a row, as a PNG.

    Args:
        images: shape (n, height, width), values 0 to 255; those after the 25th are left out.
        names: the n names of their classes, written above them.
        path: the PNG to write.
        title: above the whole.
    """
    save_figure(draw_samples(images, names, title), path)


def draw_samples(images: NDArray[np.uint8], names: Sequence[str], title: str) -> Figure:
    """The figure that `plot_samples` writes."""
    return draw_grid(images, names, [INK] * len(names), title)
