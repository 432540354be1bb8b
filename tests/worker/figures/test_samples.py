from __future__ import annotations

import numpy as np
import pytest

from fitq_worker.figures.samples import draw_samples, plot_samples


def test_the_first_25_images_stand_in_five_rows_of_five_with_their_names(images):
    # Given thirty images
    names = [f"class {i}" for i in range(30)]

    # When they are drawn
    figure = draw_samples(images, names, "Samples")
    figure.canvas.draw()

    # Then the first 25 are there, row by row, each with its name
    assert [axes.get_title() for axes in figure.axes] == names[:25]
    shown = [int(axes.images[0].get_array()[14, 14]) for axes in figure.axes]
    assert shown == list(range(25))
    corners = [axes.get_position() for axes in figure.axes]
    assert len({round(corner.x0, 3) for corner in corners[::5]}) == 1
    assert len({round(corner.y0, 3) for corner in corners[:5]}) == 1
    assert corners[0].y0 > corners[5].y0
    assert corners[0].x0 < corners[1].x0


def test_images_stand_upright_dark_on_white(images):
    # Given an image with ink in its upper left corner
    # When it is rendered
    figure = draw_samples(images[:1], ["ink"], "Samples")
    figure.canvas.draw()
    axes = figure.axes[0]

    # Then that corner is black and the lower right one white
    pixels = np.asarray(figure.canvas.buffer_rgba())
    assert colour_at(pixels, axes, (2, 2)) == [0, 0, 0]
    assert colour_at(pixels, axes, (26, 26)) == [255, 255, 255]
    box = axes.get_window_extent()
    x, y = axes.transData.transform((2, 2))
    assert (x < box.x0 + box.width / 2, y > box.y0 + box.height / 2) == (True, True)


def colour_at(pixels, axes, place) -> list[int]:
    x, y = axes.transData.transform(place)
    return pixels[round(pixels.shape[0] - y), round(x), :3].tolist()


def test_grey_means_the_same_in_every_image():
    # Given a dim image beside a bright one
    images = np.stack([np.full((28, 28), 40, np.uint8), np.full((28, 28), 255, np.uint8)])

    # When they are drawn, Then both use the range of the pixel, not of the image
    figure = draw_samples(images, ["dim", "bright"], "Samples")
    assert [axes.images[0].get_clim() for axes in figure.axes] == [(0, 255), (0, 255)]


def test_names_are_text_never_formulas(images):
    # Given names that would be formulas, good and broken
    names = ["$x_1$", r"$\frac$", "_", "a\nb"]

    # When they are rendered
    figure = draw_samples(images[:4], names, "$x^2$")
    figure.canvas.draw()

    # Then they show as they are
    assert [axes.get_title() for axes in figure.axes] == ["$x_1$", r"$\frac$", "_", "a b"]
    assert not any(axes.title.get_parse_math() for axes in figure.axes)
    assert figure.get_suptitle() == "$x^2$"


def test_fewer_images_make_a_lower_picture(tmp_path, png_size, images):
    # Given three images, and twenty-five
    # When they are written
    plot_samples(images[:3], ["a"] * 3, tmp_path / "few.png", "Samples")
    plot_samples(images[:25], ["a"] * 25, tmp_path / "all.png", "Samples")

    # Then both are as wide, and the larger one is about square
    few, whole = png_size(tmp_path / "few.png"), png_size(tmp_path / "all.png")
    assert few[0] == whole[0]
    assert few[1] < whole[1] / 3
    assert 1 < whole[1] / whole[0] < 1.3


def test_a_name_must_go_with_every_image(images):
    with pytest.raises(ValueError, match="shorter"):
        draw_samples(images[:3], ["a", "b"], "Samples")
