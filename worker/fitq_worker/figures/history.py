"""The picture of a training run: each metric, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fitq_worker.figures._canvas import new_figure, save_figure
from fitq_worker.figures._text import fit, shorten

NOT_METRICS = ("epoch", "learning_rate", "seconds")
VALIDATION = "val_"

_PANEL = (4.8, 3.6)  # inches
_CURVES = (("", "training", "#1f77b4"), (VALIDATION, "validation", "#e6770b"))
_MARKED = 40  # with more epochs than this the markers run into each other


def plot_history(rows: Sequence[Mapping[str, float]], path: Path, title: str) -> None:
    """Write the curves of a training run as a PNG, one panel a metric.

    Values that are not finite leave a gap in their curve.

    Args:
        rows: one mapping an epoch: "epoch" counted from 1, then metrics such as "loss",
            "accuracy", "val_loss". A metric may lack in some rows (validation every few
            epochs); "learning_rate" and "seconds" are not drawn.
        path: the PNG to write.
        title: above the panels.
    """
    save_figure(draw_history(rows, title), path)


def draw_history(rows: Sequence[Mapping[str, float]], title: str) -> Figure:
    """The figure that `plot_history` writes."""
    metrics = metric_names(rows)
    panels = max(1, len(metrics))
    columns = panels if panels <= 3 else math.ceil(math.sqrt(panels))
    lines = math.ceil(panels / columns)
    width = max(1.3, columns) * _PANEL[0]

    figure = new_figure(width, lines * _PANEL[1] + 0.5)
    fit(figure.suptitle(title, fontsize=14), width - 0.4, smallest=9)
    for place, metric in enumerate(metrics, start=1):
        _draw_panel(figure.add_subplot(lines, columns, place), rows, metric)
    if not metrics:
        axes = figure.add_subplot(xlabel="epoch", xticks=[], yticks=[])
        _note(axes, "no epoch was finished")
    return figure


def metric_names(rows: Sequence[Mapping[str, float]]) -> list[str]:
    """The metrics in these rows without "val_", the loss first, then as they appear."""
    keys = dict.fromkeys(key for row in rows for key in row if key not in NOT_METRICS)
    names = dict.fromkeys(key.removeprefix(VALIDATION) for key in keys)
    return sorted(names, key=lambda name: name != "loss")


def _draw_panel(axes: Axes, rows: Sequence[Mapping[str, float]], metric: str) -> None:
    drawn = 0
    for prefix, label, colour in _CURVES:
        points = [(row["epoch"], row[prefix + metric]) for row in rows if prefix + metric in row]
        if points:
            epochs, values = zip(*points, strict=True)
            finite = [value if math.isfinite(value) else math.nan for value in values]
            marker = "o" if len(rows) <= _MARKED else ""
            axes.plot(epochs, finite, color=colour, label=label, marker=marker, markersize=4)
            drawn += sum(map(math.isfinite, values))
    if not drawn:
        _note(axes, "no finite value")
    first, last = rows[0]["epoch"], rows[-1]["epoch"]
    axes.set_xlim(first - 0.5, last + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.set_xlabel("epoch")
    axes.set_ylabel(shorten(metric, 40), parse_math=False)
    axes.grid(color="#dddddd", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)


def _note(axes: Axes, words: str) -> None:
    note = axes.text(0.5, 0.5, words, transform=axes.transAxes, color="#777777")
    note.set(horizontalalignment="center", verticalalignment="center")
