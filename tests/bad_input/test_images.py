"""Folders of images that are broken, of several sizes, with alpha; folders that are empty."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.services

CNN = ("--model", "cnn", "--option", "filters=2", "--option", "units=4", "--epochs", 1)


@pytest.fixture
def pets(nowhere):
    """A folder of cats and dogs: six images each, of 8 by 8 pixels, in these colours."""

    def draw(colours: str = "RGB"):
        root = nowhere / "pets"
        for label in ("cats", "dogs"):
            (root / label).mkdir(parents=True)
            for at in range(6):
                _draw(root / label / f"{at}.png", (8, 8), colours, shade=at)
        return root

    return draw


def test_images_that_are_cut_and_empty_classes_are_named(pets, refused):
    root = pets()
    whole = (root / "cats/0.png").read_bytes()
    (root / "cats/cut.png").write_bytes(whole[: len(whole) // 2])
    (root / "dogs/page.png").write_text("<html>")
    (root / "birds").mkdir()
    said = refused("datasets", "add", "pets", root)
    for words in ("cut.png", "a PNG whose end is missing", "page.png", "none in 'birds'"):
        assert words in said


def test_an_image_that_is_broken_inside_is_named(pets, fitq, failed):
    # Given an image that only decoding shows to be broken
    root = pets()
    content = (root / "dogs/3.png").read_bytes()
    start = content.index(b"IDAT") + 4
    (root / "dogs/3.png").write_bytes(content[:start] + bytes(9) + content[start + 9 :])
    assert fitq("datasets", "add", "broken-pets", root).code == 0
    # When it is trained on, then
    said = failed("train", "--dataset", "broken-pets", *CNN)
    assert "dogs/3.png" in said


def test_images_of_several_sizes_and_with_alpha(pets, fitq, failed):
    # Given images with alpha, of which one is larger
    root = pets("RGBA")
    _draw(root / "cats/0.png", (12, 10), "RGBA", shade=0)
    assert fitq("datasets", "add", "odd-pets", root).code == 0
    # When they are trained on as they are, then two of different sizes are named
    train = ("train", "--dataset", "odd-pets", *CNN)
    said = failed(*train)
    assert "10 × 12" in said
    assert "8 × 8" in said
    assert "try: bring them to one size: --preprocess image=resize:height=64,width=64" in said
    # And resized they can be learnt
    ran = fitq(*train, "--preprocess", "image=resize:height=8,width=8")
    assert ran.code == 0, ran.err


def _draw(path, size, colours, shade):
    pixels = np.full((size[1], size[0], len(colours)), 20 * shade, np.uint8)
    pixels[::2] += 30
    Image.fromarray(pixels, colours).save(path)
