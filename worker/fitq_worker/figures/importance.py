"""The picture of which parameters of a sweep mattered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from fitq_worker.figures._canvas import new_figure, save_figure
from fitq_worker.figures._text import fit, shorten

_WIDTH = 7.6  # inches


def plot_importance(shares: Mapping[str, float], path: Path, title: str, method: str) -> None:
    """Write the importance of each parameter as bars, a PNG.

    Args:
        shares: from 0 to 1, by parameter, the greatest first; none leaves an empty picture.
        path: the PNG to write.
        title: above the bars.
        method: how the shares were found, below them.
    """
    save_figure(draw_importance(shares, title, method), path)


def draw_importance(shares: Mapping[str, float], title: str, method: str) -> Figure:
    """The figure that `plot_importance` writes."""
    figure = new_figure(_WIDTH, 1.6 + 0.45 * max(2, len(shares)))
    axes = figure.add_subplot()
    names = [shorten(name, 40) for name in shares]
    bars = axes.barh(range(len(shares)), list(shares.values()), color="#1f77b4", height=0.6)
    axes.bar_label(bars, [f"{share:.2f}" for share in shares.values()], padding=4)
    axes.set_yticks(range(len(shares)))
    for label, name in zip(axes.set_yticklabels(names), names, strict=True):
        label.set(parse_math=False, text=name)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.1)
    axes.set_xlabel(f"importance; {method}", fontsize=8, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    if not shares:
        note = axes.text(0.55, 0, "too little is known", color="#777777")
        note.set(horizontalalignment="center", verticalalignment="center")
    fit(axes.set_title(title, fontsize=13, parse_math=False), _WIDTH - 1, smallest=8)
    return figure
