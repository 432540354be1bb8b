"""The picture of one image as numbers: its pixel values, coloured and written out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fitq_worker.figures._canvas import new_figure, save_figure
from fitq_worker.figures._text import fit

_WIDTH = 10.6  # inches
_HEIGHT = 10.0  # inches
_CELLS = 8.6  # inches that the cells take, about


def plot_heat_map(image: NDArray[np.uint8], path: Path, title: str) -> None:
    """Write one image as a heat map, with the value in each cell that is not 0, a PNG.

    Args:
        image: shape (28, 28), values 0 to 255; row 0 is drawn at the top.
        path: the PNG to write.
        title: above the map.
    """
    save_figure(draw_heat_map(image, title), path)


def draw_heat_map(image: NDArray[np.uint8], title: str) -> Figure:
    """The figure that `plot_heat_map` writes."""
    figure = new_figure(_WIDTH, _HEIGHT)
    axes = figure.add_subplot()
    drawn = axes.imshow(
        image, cmap="viridis", vmin=0, vmax=255, origin="upper", interpolation="nearest"
    )
    rows, columns = image.shape
    points = min(12.0, 72 * _CELLS / max(rows, columns) * 0.32)
    for row, column in zip(*np.nonzero(image), strict=True):  # each text costs milliseconds
        value = image[row, column]
        ink = "black" if value > 140 else "white"  # viridis turns bright there
        cell = axes.text(column, row, str(int(value)), color=ink, fontsize=points)
        cell.set(horizontalalignment="center", verticalalignment="center", in_layout=False)
    axes.set_xlabel("column")
    axes.set_ylabel("row")
    axes.set_xticks(range(0, columns, 3))
    axes.set_yticks(range(0, rows, 3))
    fit(axes.set_title(title, fontsize=14, pad=10), _CELLS, smallest=9)
    figure.colorbar(drawn, ax=axes, label="pixel value (0 to 255)", shrink=0.85, pad=0.02)
    return figure
