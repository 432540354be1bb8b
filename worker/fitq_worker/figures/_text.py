"""Text that users chose, made to fit: class names, titles, names of metrics."""

from __future__ import annotations

from matplotlib.text import Text


def one_line(text: str) -> str:
    """The text with line breaks and control characters turned into single spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def shorten(text: str, limit: int) -> str:
    """One line of at most `limit` characters; a cut is marked by an ellipsis."""
    line = one_line(text)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def fit(text: Text, width: float, smallest: float) -> None:
    """Make a text of a figure no wider than `width` inches, and never mathtext.

    Its letters shrink first, down to `smallest` points; then its end is cut.
    """
    text.set_parse_math(False)
    text.set_text(one_line(text.get_text()))
    wide = _inches(text)
    if wide > width:
        text.set_fontsize(max(smallest, 0.98 * float(text.get_fontsize()) * width / wide))
    while len(text.get_text()) > 1 and (wide := _inches(text)) > width:
        length = len(text.get_text())
        text.set_text(shorten(text.get_text(), min(length - 1, int(length * width / wide) + 1)))


def _inches(text: Text) -> float:
    figure = text.get_figure(root=True)
    if figure is None:
        raise ValueError("the text belongs to no figure: it has no width yet")
    return float(text.get_window_extent(dpi=figure.dpi).width / figure.dpi)
