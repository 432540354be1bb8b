from __future__ import annotations

import pytest

from fitq.fitting import fit

HEADERS = ["id", "name", "what", "owner"]
ROWS = [["abcd2345", "brave-otter", "mlp on fashion_mnist, 100 epochs", "ann"]]


@pytest.mark.parametrize(
    ("room", "shown", "hidden"),
    [
        (200, {0: 8, 1: 11, 2: 32, 3: 5}, ()),
        (62, {0: 8, 1: 11, 2: 32, 3: 5}, ()),
        (50, {0: 8, 1: 11, 2: 20, 3: 5}, ()),
        (40, {0: 8, 1: 11, 2: 17}, ("owner",)),
        (30, {1: 11, 2: 17}, ("owner", "id")),
    ],
)
def test_a_table_folds_and_then_does_without_its_least_columns(
    room: int, shown: dict[int, int], hidden: tuple[str, ...]
) -> None:
    # When a table is fitted into some room
    fitted = fit(HEADERS, ROWS, room, hide=["age", "owner", "id"], fold={"what": 16})
    # Then what folds does so between words, and the least columns go first
    assert (fitted.widths, fitted.hidden) == (shown, hidden)
    assert fitted.width <= room


def test_what_cannot_be_left_out_stays_whole() -> None:
    # When there is hardly any room
    fitted = fit(HEADERS, ROWS, 5, hide=["owner"])
    # Then the table is wider than that, and nothing of it is cut
    assert fitted.widths == {0: 8, 1: 11, 2: 32}


def test_one_long_word_does_not_take_all_room() -> None:
    # When a column that folds has a word without end
    fitted = fit(["a", "b"], [["x" * 500, "1"]], 80, fold={"a": 16})
    # Then it takes what is left
    assert fitted.widths == {0: 77, 1: 1}


def test_a_wide_letter_takes_two_cells() -> None:
    assert fit(["a"], [["山川"]], 80).width == 4


def test_a_table_without_rows_shows_its_headers() -> None:
    assert fit(HEADERS, [], 80).hidden == ()
