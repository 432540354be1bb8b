"""Small images side by side, a caption above each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fitq_worker.figures._canvas import new_figure
from fitq_worker.figures._text import fit

COLUMNS = 5
MOST = COLUMNS * COLUMNS

_PITCH = 1.9  # inches from one image to the next
_CAPTION = 0.22  # inches above each image
_TITLE = 0.55  # inches above them all


def draw_grid(
    images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    captions: Sequence[str],
    colours: Sequence[str],
    title: str,
    columns: int = COLUMNS,
) -> Figure:
    """Draw the first 25 images in rows: those in grey dark on white, others as they are.

    Args:
        images: shape (n, height, width) or with 1 to 4 channels, values 0 to 255; row 0 is drawn
            at the top.
        captions: n texts.
        colours: n colours, of the captions and of the frames.
        title: above the whole.
    """
    shown = list(zip(images, captions, colours, strict=True))[:MOST]
    rows = max(1, -(-len(shown) // columns))
    width = columns * _PITCH
    figure = new_figure(width, rows * (_PITCH + _CAPTION) + _TITLE)
    fit(figure.suptitle(title, fontsize=14), width - 0.4, smallest=9)
    for place, (image, caption, colour) in enumerate(shown, start=1):
        axes = figure.add_subplot(rows, columns, place, xticks=[], yticks=[])
        pixels = image[..., 0] if image.ndim == 3 and image.shape[2] < 3 else image
        axes.imshow(
            pixels, cmap="gray_r", vmin=0, vmax=255, origin="upper", interpolation="nearest"
        )
        fit(axes.set_title(caption, fontsize=9, color=colour, pad=4), _PITCH - 0.25, smallest=6)
        for spine in axes.spines.values():
            spine.set_color(colour)
    return figure
