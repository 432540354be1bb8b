"""The picture of how well numbers are foretold: what a model said against what is true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fitq_worker.figures._canvas import new_figure, save_figure
from fitq_worker.figures._text import fit

MOST_POINTS = 5_000
_WIDTH, _HEIGHT = 6.4, 6.0  # inches


def plot_scatter(true: NDArray[Any], said: NDArray[Any], path: Path, title: str) -> None:
    """Write a point for each row as a PNG, with the line on which a perfect model's would lie.

    Args:
        true: shape (n,).
        said: shape (n,).
        path: the PNG to write.
        title: above the points.
    """
    save_figure(draw_scatter(true, said, title), path)


def draw_scatter(true: NDArray[Any], said: NDArray[Any], title: str) -> Figure:
    """The figure that `plot_scatter` writes: at most 5,000 points, evenly among the rows."""
    step = max(1, -(-len(true) // MOST_POINTS))
    x, y = true[::step].astype("float64"), said[::step].astype("float64")
    finite = np.isfinite(x) & np.isfinite(y)
    figure = new_figure(_WIDTH, _HEIGHT)
    fit(figure.suptitle(title, fontsize=14), _WIDTH - 0.4, smallest=9)
    axes = figure.add_subplot()
    if finite.any():
        least, most = min(x[finite].min(), y[finite].min()), max(x[finite].max(), y[finite].max())
        edge = 0.03 * (most - least) or 1.0
        limits = (least - edge, most + edge)
        axes.plot(limits, limits, color="#999999", linewidth=1, label="perfect", zorder=1)
        axes.set(xlim=limits, ylim=limits)
        axes.legend(frameon=False, loc="upper left")
    size = 24 if len(x) <= 200 else 8
    axes.scatter(x[finite], y[finite], s=size, color="#1f77b4", alpha=0.5, linewidths=0, zorder=2)
    axes.set_xlabel("true value")
    axes.set_ylabel("predicted value")
    axes.grid(color="#dddddd", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
