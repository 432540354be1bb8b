from __future__ import annotations

import pytest

from fitq_worker.figures._canvas import DPI, new_figure
from fitq_worker.figures._text import fit, one_line, shorten


def test_line_breaks_and_control_characters_become_spaces():
    # Given names that would break a caption
    # When they are put on one line, Then only what can be printed is left
    assert one_line(" a\nb\x00\ud800 c ") == "a b c"


@pytest.mark.parametrize(
    ("text", "short"), [("Sneaker", "Sneaker"), ("Ankle boot", "Ankle b…"), ("Ankle  x", "Ankle x")]
)
def test_a_shortened_text_shows_where_it_was_cut(text, short):
    assert shorten(text, 8) == short


@pytest.mark.parametrize("words", ["T-shirt/top (Ankle boot)", "W" * 400, "$x_1$ " * 30])
def test_a_fitted_text_is_never_wider_than_asked_for(words):
    # Given a text that is too wide
    figure = new_figure(4, 2)
    text = figure.text(0, 0, words, fontsize=20)

    # When it is made to fit into one inch
    fit(text, 1.0, smallest=6)

    # Then it does, in letters that can be read, and fills most of that inch
    width = text.get_window_extent().width / DPI
    assert 0.8 < width <= 1.0
    assert text.get_fontsize() >= 6


def test_a_text_that_fits_stays_as_it_is():
    # Given a short text
    text = new_figure(4, 2).text(0, 0, "Bag", fontsize=9)

    # When it is made to fit into two inches
    fit(text, 2.0, smallest=6)

    # Then nothing changes
    assert (text.get_text(), text.get_fontsize()) == ("Bag", 9)
