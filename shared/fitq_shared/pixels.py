"""Images as models take them: pixels from 0 (black) to 255 (white), never scaled beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PIXELS = "whole numbers from 0 to 255, best as uint8"
PIXELS_HINT = (
    "save the pixels as they are; of images scaled to 0..1: (255 * x).round().astype('uint8')"
)


def no_pixels(images: NDArray[Any]) -> str | None:
    """What these values are, if they are no pixels; None when they are.

    Keras casts what it is given to the model's uint8 without a word: images scaled to 0..1
    would all be black, and larger numbers others.

    Args:
        images: at least one value, of any shape and dtype.
    """
    if images.dtype == np.uint8:
        return None
    if images.dtype.kind not in "iuf":
        return f"values of dtype {images.dtype}"
    least, most = images.min(), images.max()
    if least >= 0 and most <= 255:
        # One byte for each value: the array itself may be large.
        if np.array_equal(images, images.astype(np.uint8)):
            return None
        return f"fractions of dtype {images.dtype} from {least:g} to {most:g}"
    return f"values of dtype {images.dtype} from {least:g} to {most:g}"
