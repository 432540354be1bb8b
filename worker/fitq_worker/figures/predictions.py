"""The picture of a model's predictions: what it said, and what is true."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fitq_worker.figures._canvas import save_figure
from fitq_worker.figures._grid import draw_grid

RIGHT = "#1a7f37"  # green
WRONG = "#cf222e"  # red


def plot_predictions(
    images: NDArray[np.uint8],
    predicted: NDArray[np.integer[Any]],
    true: NDArray[np.integer[Any]],
    class_names: Sequence[str],
    path: Path,
    title: str,
) -> None:
    """Write up to 25 images, each titled "predicted (true)", as a PNG.

    The title is green where the two agree and red where they do not.

    Args:
        images: shape (n, height, width), values 0 to 255; those after the 25th are left out.
        predicted: shape (n,), indices into `class_names`.
        true: shape (n,), indices into `class_names`.
        class_names: one name a class.
        path: the PNG to write.
        title: above the whole.
    """
    save_figure(draw_predictions(images, predicted, true, class_names, title), path)


def draw_predictions(
    images: NDArray[np.uint8],
    predicted: NDArray[np.integer[Any]],
    true: NDArray[np.integer[Any]],
    class_names: Sequence[str],
    title: str,
) -> Figure:
    """The figure that `plot_predictions` writes."""
    pairs = [(int(said), int(is_)) for said, is_ in zip(predicted, true, strict=True)]
    captions = [f"{class_names[said]} ({class_names[is_]})" for said, is_ in pairs]
    colours = [RIGHT if said == is_ else WRONG for said, is_ in pairs]
    return draw_grid(images, captions, colours, title)
