"""Where every picture begins and ends: a figure of its own, and a file written whole."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

DPI = 110

_MARGIN = 0.08  # inches around the figure and around each of its panels


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure, outside pyplot and its global list of figures.

    Args:
        width: in inches.
        height: in inches.
    """
    layout = ConstrainedLayoutEngine(w_pad=_MARGIN, h_pad=_MARGIN)
    figure = Figure(figsize=(width, height), dpi=DPI, layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write the figure to `path` as a PNG of `DPI` dots per inch."""
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to, renamed to `path` at the end.

    Readers see the old file or the new, never a part; after an error the old one is
    still there and the temporary one is not.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
