from __future__ import annotations

import numpy as np
import pytest

from fitq_worker.figures.confusion import confusion_matrix, draw_confusion, plot_confusion

TRUE = np.array([0, 0, 0, 0, 1, 2, 2], np.uint8)
PREDICTED = np.array([0, 0, 0, 1, 1, 0, 2], np.uint8)
BY_HAND = [[3, 1, 0], [0, 1, 0], [1, 0, 1]]
NAMES = ("Sandal", "Sneaker", "Ankle boot")


def test_rows_are_true_classes_and_columns_predicted():
    # Given seven labels
    # When they are counted
    counts = confusion_matrix(TRUE, PREDICTED, 3)

    # Then each cell has the number counted by hand
    assert counts.tolist() == BY_HAND
    assert (counts.dtype, counts.shape) == (np.int64, (3, 3))


def test_small_integers_do_not_overflow():
    # Given a class number whose cell does not fit into uint8
    label = np.array([99], np.uint8)

    # When it is counted among a hundred classes
    counts = confusion_matrix(label, label, 100)

    # Then it is in the last cell
    assert np.argwhere(counts).tolist() == [[99, 99]]


def test_no_labels_count_as_nothing():
    nothing = np.array([], np.int64)
    assert confusion_matrix(nothing, nothing, 2).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(("true", "predicted"), [([0, 3], [0, 0]), ([0, 0], [-1, 0])])
def test_a_label_that_is_no_class_is_refused(true, predicted):
    with pytest.raises(ValueError, match=r"Expected: 0 to 2\. Received: (3|-1)"):
        confusion_matrix(np.array(true), np.array(predicted), 3)


def test_labels_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"true of shape \(7,\), predicted of shape \(6,\)"):
        confusion_matrix(TRUE, PREDICTED[1:], 3)


def test_the_counts_are_written_in_their_cells_coloured_by_share_of_the_row():
    # Given the labels
    # When they are drawn
    axes, bar = draw_confusion(TRUE, PREDICTED, NAMES, "Confusion").axes

    # Then row and column of each text are those of its count
    written = {text.get_position(): text.get_text() for text in axes.texts}
    for row in range(3):
        for column in range(3):
            assert written[column, row] == str(BY_HAND[row][column])
    # And the colours are shares of the true class, from none to all
    shares = axes.images[0].get_array()
    assert shares.tolist() == [[0.75, 0.25, 0], [0, 1, 0], [0.5, 0, 0.5]]
    assert axes.images[0].get_clim() == (0, 1)
    assert bar.get_ylabel() == "share of the true class"
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "the first class must be at the top"


def test_dark_cells_have_white_numbers():
    # Given a class that is always right and one that never is
    axes = draw_confusion(np.array([0, 1]), np.array([0, 0]), ("a", "b"), "Confusion").axes[0]

    # When the numbers are coloured
    colours = {text.get_position(): text.get_color() for text in axes.texts}

    # Then they are white on the dark cells, not on the light one
    assert colours[0, 0] == colours[0, 1] == "white"
    assert colours[1, 1] != "white"


def test_both_axes_are_named_with_all_classes():
    # Given names of which one would be a broken formula
    names = ("Sandal", r"$\frac$", "a name that is far too long for the side of a matrix")

    # When they are rendered
    figure = draw_confusion(TRUE, PREDICTED, names, "Confusion $x")
    figure.canvas.draw()
    axes = figure.axes[0]

    # Then both axes show them as they are, the long one cut
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        texts = [label.get_text() for label in labels]
        assert texts[:2] == ["Sandal", r"$\frac$"]
        assert texts[2].startswith("a name that is")
        assert texts[2].endswith("…")
        # And nothing is cut by the edge of the picture
        for label in labels:
            box = label.get_window_extent()
            assert min(box.x0, box.y0) >= 0
            assert box.x1 <= figure.bbox.width
    assert figure.get_suptitle() == "Confusion $x"


def test_the_picture_grows_with_the_classes(tmp_path, png_size):
    # Given three classes, and twelve
    twelve = [f"class {i}" for i in range(12)]

    # When they are written, one of the rows without any example
    plot_confusion(TRUE, PREDICTED, NAMES, tmp_path / "three.png", "Confusion")
    plot_confusion(TRUE, PREDICTED, twelve, tmp_path / "twelve.png", "Confusion")

    # Then both are PNGs and the second is larger
    assert png_size(tmp_path / "three.png") < png_size(tmp_path / "twelve.png")
