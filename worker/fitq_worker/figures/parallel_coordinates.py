"""The picture of a sweep: one line for each trial, through its values to its metric."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from fitq_shared.sweeps.address import label
from fitq_worker.figures._canvas import new_figure, save_figure
from fitq_worker.figures._text import fit, shorten

_HEIGHT = 5.2  # inches
_PER_AXIS = 1.7  # inches
_TICKS = 5


def plot_parallel(table: Mapping[str, Any], path: Path, title: str) -> None:
    """Write a sweep as parallel coordinates, a PNG: only trials that have a value.

    Args:
        table: the sweep and its trials, as the report's input has them.
        path: the PNG to write.
        title: above the lines.
    """
    save_figure(draw_parallel(table, title), path)


def draw_parallel(table: Mapping[str, Any], title: str) -> Figure:
    """The figure that `plot_parallel` writes."""
    paths = list(table["space"])
    trials = [trial for trial in table["trials"] if trial["value"] is not None]
    width = max(6.0, _PER_AXIS * (len(paths) + 1) + 1.5)
    figure = new_figure(width, _HEIGHT)
    axes = figure.add_subplot()
    columns = [
        _Column(
            label(path, paths),
            [trial["params"][path] for trial in trials],
            log=bool(table["space"][path].get("log")),
        )
        for path in paths
    ]
    values = [trial["value"] for trial in trials]
    columns.append(_Column(table["metric"], values, log=False))
    scale = Normalize(min(values, default=0.0), max(values, default=1.0))
    colours = colormaps["viridis" if table["goal"] == "max" else "viridis_r"]
    order = sorted(range(len(trials)), key=lambda at: values[at], reverse=table["goal"] == "min")
    for at in order:
        heights = [column.heights[at] for column in columns]
        axes.plot(range(len(columns)), heights, color=colours(scale(values[at])), linewidth=1.4)
    _draw_axes(axes, columns)
    if not trials:
        axes.text(0.5, 0.5, "no trial has a value", color="#777777", transform=axes.transAxes)
    bar = figure.colorbar(ScalarMappable(scale, colours), ax=axes, pad=0.03)
    bar.set_label(shorten(table["metric"], 40))
    fit(axes.set_title(title, fontsize=13, pad=24, parse_math=False), width - 1.5, smallest=8)
    return figure


class _Column:
    """One axis: its name, its ticks, and how high (0 to 1) each trial crosses it."""

    def __init__(self, name: str, values: Sequence[Any], *, log: bool) -> None:
        self.name = name
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        if numbers:
            scaled = [math.log(v) if log else float(v) for v in values]
            marks = _marks(scaled)
            labels = [f"{math.exp(v) if log else v:.3g}" for v in marks]
        else:
            texts = [v if isinstance(v, str) else json.dumps(v) for v in values]
            kinds = sorted(set(texts))
            scaled = [float(kinds.index(text)) for text in texts]
            marks = [float(place) for place in range(len(kinds))]
            labels = [shorten(kind, 14) for kind in kinds]
        self.heights = _heights(scaled, scaled)
        self.ticks = list(zip(_heights(marks, scaled), labels, strict=True))


def _marks(values: Sequence[float]) -> list[float]:
    """Places for ticks, evenly from the least value to the greatest."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    if low == high:
        return [low] if values else []
    return [low + (high - low) * step / (_TICKS - 1) for step in range(_TICKS)]


def _heights(places: Sequence[float], values: Sequence[float]) -> list[float]:
    """How high places are on an axis from the least of these values to the greatest."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    return [(place - low) / (high - low) if high > low else 0.5 for place in places]


def _draw_axes(axes: Axes, columns: Sequence[_Column]) -> None:
    for at, column in enumerate(columns):
        axes.axvline(at, color="#555555", linewidth=0.8)
        axes.text(
            at, 1.04, shorten(column.name, 22), horizontalalignment="center", parse_math=False
        )
        for height, text in column.ticks:
            axes.text(at + 0.03, height, text, fontsize=8, color="#333333", parse_math=False)
    axes.set_xlim(-0.1, len(columns) - 1 + 0.35)
    axes.set_ylim(-0.04, 1.04)
    axes.axis("off")
