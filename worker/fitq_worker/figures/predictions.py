"""The picture of a model's predictions: what it said, and what is true."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fitq_worker.figures._canvas import save_figure
from fitq_worker.figures._grid import MOST, draw_grid

RIGHT = "#1a7f37"  # green
WRONG = "#cf222e"  # red
UNKNOWN = "#333333"  # dark grey


def plot_predictions(
    images: NDArray[np.uint8],
    predicted: NDArray[np.integer[Any]],
    true: NDArray[np.integer[Any]],
    class_names: Sequence[str],
    path: Path,
    title: str,
) -> None:
    """Write up to 25 images, each titled "predicted (true)", as a PNG.

    The title is green where the two agree, red where they do not, and grey where nobody knows.

    Args:
        images: shape (n, height, width), values 0 to 255; those after the 25th are left out.
        predicted: shape (n,), indices into `class_names`.
        true: shape (n,), indices into `class_names`; -1 where it is none of these.
        class_names: one name a class.
        path: the PNG to write.
        title: above the whole.
    """
    save_figure(draw_predictions(images, predicted, true, class_names, title), path)


def plot_pairs(inputs: NDArray[Any], outputs: NDArray[Any], path: Path, title: str) -> None:
    """Write up to 12 images, each beside what a model made of it, as a PNG.

    Args:
        inputs: shape (n, height, width) or with channels, values 0 to 255.
        outputs: the same shape; values 0 to 255, or 0 to 1.
        path: the PNG to write.
        title: above the whole.
    """
    save_figure(draw_pairs(inputs, outputs, title), path)


def draw_pairs(inputs: NDArray[Any], outputs: NDArray[Any], title: str) -> Figure:
    """The figure that `plot_pairs` writes."""
    count = min(len(inputs), MOST // 2)
    scale = 255.0 if outputs.size and float(np.nanmax(outputs)) <= 1.5 else 1.0
    made = np.clip(np.nan_to_num(outputs[:count]) * scale, 0, 255).round().astype(np.uint8)
    images = [image for pair in zip(inputs[:count], made, strict=True) for image in pair]
    captions = [f"row {at // 2}{' (output)' if at % 2 else ''}" for at in range(2 * count)]
    colours = ["#333333" if at % 2 == 0 else "#1f77b4" for at in range(2 * count)]
    return draw_grid(images, captions, colours, title, columns=4)


def draw_predictions(
    images: NDArray[np.uint8],
    predicted: NDArray[np.integer[Any]],
    true: NDArray[np.integer[Any]],
    class_names: Sequence[str],
    title: str,
) -> Figure:
    """The figure that `plot_predictions` writes."""
    pairs = [(int(said), int(is_)) for said, is_ in zip(predicted, true, strict=True)]
    named = [*class_names, "?"]
    captions = [f"{named[said]} ({named[is_]})" for said, is_ in pairs]
    colours = [_colour(said, is_) for said, is_ in pairs]
    return draw_grid(images, captions, colours, title)


def _colour(said: int, true: int) -> str:
    if true < 0:
        return UNKNOWN
    return RIGHT if said == true else WRONG
