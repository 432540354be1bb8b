from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgb

from fitq_worker.figures._canvas import DPI
from fitq_worker.figures.heat_map import draw_heat_map, plot_heat_map


def test_every_cell_above_0_has_its_value_in_a_colour_that_contrasts():
    # Given an image with all the values from 0 to 255 and more zeros
    image = np.zeros((28, 28), np.uint8)
    image.flat[:256] = np.arange(256)

    # When it is drawn
    axes, _ = draw_heat_map(image, "Image 0").axes

    # Then the text of each cell that is not 0 is the value at its row and column
    written = {text.get_position(): text for text in axes.texts}
    assert len(written) == 255
    for row, column in zip(*np.nonzero(image), strict=True):
        value = image[row, column]
        text = written[column, row]
        assert text.get_text() == str(value)
        # And at least 3:1 brighter or darker than the cell
        cell = luminance(axes.images[0].to_rgba(np.array([[value]]))[0, 0, :3])
        ink = luminance(to_rgb(text.get_color()))
        assert (max(cell, ink) + 0.05) / (min(cell, ink) + 0.05) > 3


def luminance(colour) -> float:
    """The relative luminance of an sRGB colour (WCAG 2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_the_image_stands_upright(images):
    # Given an image that is bright in its upper left corner
    # When it is rendered
    figure = draw_heat_map(images[0], "Image 0")
    figure.canvas.draw()
    axes = figure.axes[0]

    # Then row 0 is at the top and column 0 at the left
    pixels = np.asarray(figure.canvas.buffer_rgba())
    corner, opposite = (colour_at(pixels, axes, place) for place in ((0.3, 0.3), (27.3, 27.3)))
    left, top = axes.transData.transform((0, 0))
    right, bottom = axes.transData.transform((27, 27))
    assert (left < right, top > bottom) == (True, True)
    assert corner.sum() > opposite.sum() + 150
    assert np.array_equal(axes.images[0].get_array(), images[0])


def colour_at(pixels, axes, place):
    x, y = axes.transData.transform(place)
    return pixels[round(pixels.shape[0] - y), round(x), :3].astype(int)


def test_axes_and_colours_are_explained(images):
    # Given a dim image
    # When it is drawn
    axes, bar = draw_heat_map(images[0] // 3, "Digit $5$").axes

    # Then the labels say what is what, over the whole range
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("column", "row")
    assert bar.get_ylabel() == "pixel value (0 to 255)"
    assert axes.images[0].get_clim() == (0, 255)
    assert axes.get_title() == "Digit $5$"
    assert not axes.title.get_parse_math()


def test_the_picture_is_a_png(tmp_path, png_size, images):
    # Given an image
    # When it is written
    plot_heat_map(images[0], tmp_path / "heat_map.png", "Image 0")

    # Then a PNG of its size is there
    assert png_size(tmp_path / "heat_map.png") == (round(10.6 * DPI), 10 * DPI)
