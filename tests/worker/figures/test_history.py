from __future__ import annotations

import math

import pytest

from fitq_worker.figures._canvas import DPI
from fitq_worker.figures.history import draw_history, metric_names, plot_history

FULL = [
    {
        "epoch": epoch,
        "accuracy": 1 - 0.5 / epoch,
        "loss": 1 / epoch,
        "val_accuracy": 0.9 - 0.5 / epoch,
        "val_loss": 1.2 / epoch,
        "learning_rate": 0.001,
        "seconds": 2.5,
    }
    for epoch in (1, 2, 3, 4, 5)
]


def curves(axes):
    return {line.get_label(): list(zip(*line.get_data(), strict=True)) for line in axes.lines}


def ticks_shown(axis, limits):
    return [tick for tick in axis.get_major_locator()() if limits[0] <= tick <= limits[1]]


def test_each_metric_has_a_panel_with_both_its_curves():
    # Given five epochs with validation
    # When they are drawn
    figure = draw_history(FULL, "Training")

    # Then loss comes first, and neither the learning rate nor the time has a panel
    loss, accuracy = figure.axes
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy")
    assert loss.get_xlabel() == accuracy.get_xlabel() == "epoch"
    assert figure.get_suptitle() == "Training"
    # And the curves go through the values
    assert curves(loss)["training"] == [(row["epoch"], row["loss"]) for row in FULL]
    assert curves(accuracy)["validation"] == [(row["epoch"], row["val_accuracy"]) for row in FULL]
    labels = [text.get_text() for text in loss.get_legend().get_texts()]
    assert labels == ["training", "validation"]


@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_epochs_are_whole_numbers_from_one(epochs):
    # Given few epochs
    figure = draw_history(FULL[:epochs], "Training")

    # When the ticks are placed
    for axes in figure.axes:
        ticks = ticks_shown(axes.xaxis, axes.get_xlim())
        # Then there is one an epoch
        assert ticks == list(range(1, epochs + 1))


def test_a_single_epoch_shows_as_a_marker():
    # Given one epoch: a line through one point would be invisible
    (loss, _) = draw_history(FULL[:1], "Training").axes

    # When it is drawn, Then both points have a marker
    assert [line.get_marker() for line in loss.lines] == ["o", "o"]


def test_without_validation_there_is_one_curve():
    # Given rows without validation
    rows = [{"epoch": row["epoch"], "loss": row["loss"]} for row in FULL]

    # When they are drawn
    (loss,) = draw_history(rows, "Training").axes

    # Then the panel and its legend have the training curve only
    assert list(curves(loss)) == ["training"]
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training"]


def test_validation_every_other_epoch_is_drawn_where_it_is():
    # Given validation in the even epochs
    rows = [
        {k: v for k, v in row.items() if row["epoch"] % 2 == 0 or k[:4] != "val_"} for row in FULL
    ]

    # When they are drawn
    loss = draw_history(rows, "Training").axes[0]

    # Then its curve has these epochs only
    assert [epoch for epoch, _ in curves(loss)["validation"]] == [2, 4]


@pytest.mark.parametrize("strange", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_leave_a_gap(tmp_path, png_size, strange):
    # Given a loss that left the numbers after two epochs, and a metric never among them
    rows = [{"epoch": e, "loss": 1 / e if e < 3 else strange, "auc": strange} for e in range(1, 6)]

    # When they are drawn and written
    loss, auc = draw_history(rows, "Training").axes
    plot_history(rows, tmp_path / "history.png", "Training")

    # Then what is finite is there, the empty panel says why it is empty, and there is a picture
    assert curves(loss)["training"][:2] == [(1, 1.0), (2, 0.5)]
    assert all(math.isnan(value) for _, value in curves(loss)["training"][2:])
    assert [text.get_text() for text in auc.texts] == ["no finite value"]
    assert not loss.texts
    assert png_size(tmp_path / "history.png")[0] > 500


def test_no_epoch_at_all_gives_a_picture_that_says_so(tmp_path, png_size):
    # Given no rows
    # When they are drawn
    (axes,) = draw_history([], "Training").axes
    plot_history([], tmp_path / "history.png", "Training")

    # Then the picture says it
    assert [text.get_text() for text in axes.texts] == ["no epoch was finished"]
    png_size(tmp_path / "history.png")


def test_names_are_text_never_formulas(tmp_path):
    # Given a metric and a title that would be broken formulas
    figure = draw_history([{"epoch": 1, r"$\x$": 1.0}], r"$\frac$")

    # When the figure is rendered, Then it shows them as they are
    figure.canvas.draw()
    assert figure.axes[0].get_ylabel() == r"$\x$"
    assert figure.get_suptitle() == r"$\frac$"


def test_metrics_are_named_once_without_their_prefix():
    rows = [{"epoch": 1, "b": 1.0, "loss": 1.0}, {"epoch": 2, "val_b": 1.0, "val_c": 1.0}]
    assert metric_names(rows) == ["loss", "b", "c"]


def test_the_picture_is_a_png_of_a_panels_width_each(tmp_path, png_size):
    # Given two metrics
    # When they are written
    plot_history(FULL, tmp_path / "history.png", "Training")

    # Then the PNG is two panels wide
    assert png_size(tmp_path / "history.png") == (round(2 * 4.8 * DPI), round(4.1 * DPI))
