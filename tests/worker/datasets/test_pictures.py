from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fitq_shared.errors import BadJob
from fitq_shared.specs.steps import Resize
from fitq_worker.datasets.pictures import decode_picture, picture_size

RED, SEEN, GREY = (255, 0, 0), (76, 76, 76), 76


def picture(image: Image.Image, form: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["PNG", "GIF", "BMP"])
def test_colours_come_as_they_are(form: str) -> None:
    image = Image.new("RGB", (3, 2), RED)
    pixels = decode_picture(picture(image, form), "a.png")
    assert pixels.shape == (2, 3, 3)
    assert pixels.dtype == np.uint8
    assert pixels[0, 0].tolist() == list(RED)


@pytest.mark.parametrize(
    ("image", "seen"),
    [
        (Image.new("L", (1, 1), GREY), [76, 76, 76]),
        (Image.new("1", (1, 1), 1), [255, 255, 255]),
        (Image.new("LA", (1, 1), (GREY, 0)), [255, 255, 255]),
        (Image.new("RGBA", (1, 1), (*RED, 255)), [255, 0, 0]),
        (Image.new("RGBA", (1, 1), (0, 0, 0, 0)), [255, 255, 255]),
        (Image.new("RGB", (1, 1), RED).quantize(2), [255, 0, 0]),
        (Image.fromarray(np.full((1, 1), 76 * 256, np.uint16)), [76, 76, 76]),
    ],
)
def test_grey_alpha_palettes_and_16_bits_become_colours(image: Image.Image, seen) -> None:
    assert decode_picture(picture(image), "a.png")[0, 0].tolist() == seen


def test_colours_become_grey_and_get_an_alpha_channel_where_it_is_asked_for() -> None:
    content = picture(Image.new("RGBA", (1, 1), (*RED, 128)))
    assert decode_picture(content, "a", 4)[0, 0].tolist() == [*RED, 128]
    assert decode_picture(picture(Image.new("RGB", (1, 1), RED)), "a", 1)[0, 0].tolist() == [GREY]


def test_a_photo_is_turned_as_its_camera_says() -> None:
    # Given a photo, brighter on the left, that was taken with the camera on its side
    image = Image.fromarray(np.repeat(np.uint8([[255, 0]] * 8), 8, axis=1))
    exif = Image.Exif()
    exif[0x0112] = 6
    content = picture(image, "JPEG", exif=exif)
    # When it is read
    pixels = decode_picture(content, "a.jpg", 1)
    # Then it stands upright, and its size is known before
    assert pixels.shape == (16, 8, 1)
    assert picture_size(content, "a.jpg") == (16, 8)
    assert pixels[0].mean() > 200
    assert pixels[-1].mean() < 50


@pytest.mark.parametrize(("aspect", "corner"), [("stretch", 255), ("crop", 255), ("pad", 0)])
def test_another_size(aspect, corner: int) -> None:
    content = picture(Image.new("RGB", (8, 4), (255, 255, 255)))
    resize = Resize(height=4, width=4, aspect=aspect)
    pixels = decode_picture(content, "a.png", 3, resize)
    assert pixels.shape == (4, 4, 3)
    assert pixels[0, 0, 0] == corner
    assert pixels[2, 2, 0] == 255


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\x89PNG no more", "no PNG, JPEG, GIF or BMP"),
        (picture(Image.new("RGB", (1, 1)), "TIFF"), "no PNG, JPEG, GIF or BMP"),
        (picture(Image.effect_noise((64, 64), 50))[:-200], "it is broken"),
        (picture(Image.effect_noise((64, 64), 50), "JPEG")[:-200], "it is broken"),
        *[
            (picture(Image.new("1", (w, 10_000))), "more than 100,000,000 pi")
            for w in (11_000, 20_000)
        ],
    ],
)
def test_what_is_no_whole_image_is_refused_by_its_name(content: bytes, reason: str) -> None:
    with pytest.raises(BadJob, match=rf"the image cats/1.png cannot be read: .*({reason})"):
        decode_picture(content, "cats/1.png")
