"""PNG, JPEG, GIF and BMP files as arrays of pixels; of a moving picture its beginning."""

from __future__ import annotations

import io
import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from fitq_shared.errors import BadJob
from fitq_shared.specs.steps import Resize
from fitq_shared.texts import printable

Channels = Literal[1, 3, 4]
Pixels = NDArray[np.uint8]

FORMATS = ("PNG", "JPEG", "GIF", "BMP")
TURNED = "JPEG"
"""The form of photos that say which side is up. A PNG may say so too, but only at its end."""
MOST_PIXELS = 100_000_000
TOO_LARGE = f"it has more than {MOST_PIXELS:,} pixels"
BACKGROUND = (255, 255, 255, 255)
SAVE_AGAIN = "save it again as PNG or JPEG, or leave it out"
_MODES: dict[Channels, str] = {1: "L", 3: "RGB", 4: "RGBA"}
_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos3": Image.Resampling.LANCZOS,
}
_ORIENTATION = 0x0112
_LYING = (5, 6, 7, 8)
# What Pillow raises for content that is not what it seems.
_DAMAGE = (OSError, ValueError, SyntaxError, EOFError, OverflowError)


def picture_size(content: bytes, name: str) -> tuple[int, int]:
    """Height and width of an image as it is to be seen, from the beginning of its file.

    Args:
        name: what its owner calls it, for messages.

    Raises:
        BadJob: it is no image, or has more than 100 million pixels.
    """
    image = _open(content, name)
    width, height = image.size
    if image.format == TURNED and image.getexif().get(_ORIENTATION) in _LYING:
        width, height = height, width
    return height, width


def decode_picture(
    content: bytes, name: str, channels: Channels = 3, resize: Resize | None = None
) -> Pixels:
    """The pixels of an image, turned as its camera says.

    What is transparent lies on white, unless the alpha channel is asked for. Colours become grey
    and grey becomes colours as `channels` asks; 16 bits become 8.

    Args:
        name: what its owner calls it, for messages.
        channels: 1 for grey, 3 for red, green and blue, 4 for these and alpha.
        resize: the size to bring it to; None leaves it as it is.

    Returns:
        uint8 of shape (height, width, channels), values 0 to 255.

    Raises:
        BadJob: it is broken, no image, or has more than 100 million pixels.
    """
    image = _open(content, name)
    try:
        image.load()
        if image.format == TURNED:
            ImageOps.exif_transpose(image, in_place=True)
    except _DAMAGE as error:
        raise _bad(name, f"it is broken: {error}") from error
    image = _as_mode(image, _MODES[channels])
    if resize is not None:
        image = _resized(image, resize)
    pixels = np.array(image, np.uint8)
    return pixels[..., np.newaxis] if channels == 1 else pixels


def in_cells(pixels: Pixels, most: int) -> Pixels:
    """One image as brightness alone, made smaller if a side has more than so many pixels.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, channels).

    Returns:
        uint8 of shape (height, width).
    """
    flat = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] in (1, 2) else pixels
    image = Image.fromarray(np.ascontiguousarray(flat)).convert("L")
    if max(image.size) > most:
        image.thumbnail((most, most))
    return np.array(image, np.uint8)


def _open(content: bytes, name: str) -> Image.Image:
    if not content:
        raise _bad(name, "the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _bad(name, TOO_LARGE) from error
    except _DAMAGE as error:
        raise _bad(name, "it is no PNG, JPEG, GIF or BMP") from error
    if image.width * image.height > MOST_PIXELS:
        raise _bad(name, TOO_LARGE)
    return image


def _as_mode(image: Image.Image, mode: str) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits a pixel
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if mode != "RGBA" and image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, BACKGROUND), image)
    return image.convert(mode)


def _resized(image: Image.Image, resize: Resize) -> Image.Image:
    size, way = (resize.width, resize.height), _FILTERS[resize.interpolation]
    if resize.aspect == "crop":
        return ImageOps.fit(image, size, way)
    if resize.aspect == "pad":
        return ImageOps.pad(image, size, way)
    return image.resize(size, way)


def _bad(name: str, found: str) -> BadJob:
    text = printable(found, 200)
    return BadJob(f"the image {printable(name, 200)} cannot be read: {text}", SAVE_AGAIN)
