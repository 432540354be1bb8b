from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgb

from fitq_worker.figures.predictions import draw_predictions, plot_predictions

NAMES = ("T-shirt/top", "Sandal", "Sneaker", "Ankle boot")


def test_each_title_says_predicted_then_true(images):
    # Given a wrong and a right prediction
    predicted, true = np.array([2, 1]), np.array([1, 1])

    # When they are drawn
    figure = draw_predictions(images[:2], predicted, true, NAMES, "Predictions")

    # Then the titles name what was predicted and, in brackets, what is true
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["Sneaker (Sandal)", "Sandal (Sandal)"]


def test_right_is_green_and_wrong_is_red(images):
    # Given a right and a wrong prediction
    predicted, true = np.array([1, 2]), np.array([1, 1])

    # When they are drawn
    right, wrong = draw_predictions(images[:2], predicted, true, NAMES, "Predictions").axes

    # Then green, or red, is by far the strongest part of the title's colour
    red, green, blue = to_rgb(right.title.get_color())
    assert green > 1.5 * max(red, blue)
    red, green, blue = to_rgb(wrong.title.get_color())
    assert red > 1.5 * max(green, blue)


def test_a_row_of_a_class_that_nobody_knows_is_neither_right_nor_wrong(images):
    args = np.array([0, 0, 0]), np.array([-1, 0, 1]), NAMES, "Predictions"
    unknown, right, wrong = draw_predictions(images[:3], *args).axes
    assert unknown.get_title() == f"{NAMES[0]} (?)"
    assert len({axes.title.get_color() for axes in (unknown, right, wrong)}) == 3


def test_equal_names_of_different_classes_are_still_wrong(images):
    # Given two classes of one name
    args = np.array([0, 0]), np.array([0, 1]), ("same", "same"), "Predictions"

    # When they are drawn, Then the class decides on the colour
    right, wrong = draw_predictions(images[:2], *args).axes
    assert right.title.get_color() != wrong.title.get_color()


def test_the_longest_titles_do_not_touch(images):
    # Given the longest names in a row, and much longer ones below
    names = (*NAMES, "a name that is far too long to stand above one small image")
    predicted = np.array([0] * 5 + [4] * 5)
    true = np.array([3] * 5 + [4] * 5)

    # When they are rendered
    figure = draw_predictions(images[:10], predicted, true, names, "Predictions")
    figure.canvas.draw()

    # Then each title is inside the figure and apart from its neighbours
    assert figure.axes[0].get_title() == "T-shirt/top (Ankle boot)"
    boxes = [axes.title.get_window_extent() for axes in figure.axes]
    for place, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.width
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])
        assert not any(box.overlaps(axes.get_window_extent()) for axes in figure.axes)


def test_names_are_text_never_formulas(images):
    # Given a name that would be a broken formula
    names = (r"$\frac$", "b")

    # When it is rendered, Then it shows as it is
    figure = draw_predictions(images[:1], np.array([0]), np.array([1]), names, "Predictions")
    figure.canvas.draw()
    assert figure.axes[0].get_title() == r"$\frac$ (b)"


def test_the_picture_is_a_png_of_at_most_25(tmp_path, png_size, images):
    # Given thirty images with uint8 labels
    labels = np.arange(30, dtype=np.uint8) % 4

    # When they are written
    plot_predictions(images, labels, labels, NAMES, tmp_path / "predictions.png", "Predictions")

    # Then the PNG is about square: five rows, not six
    width, height = png_size(tmp_path / "predictions.png")
    assert 1 < height / width < 1.25
