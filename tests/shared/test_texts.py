from __future__ import annotations

from typing import Any

import pytest

from fitq_shared.texts import plain, printable, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "'a'"), (["x", "y"], "['x', 'y']"), (3, "3"), (None, "None"), ({"a": 1}, "{'a': 1}")],
)
def test_a_short_value_is_shown_as_python_writes_it(value: object, text: str) -> None:
    assert shown(value) == text


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value, {"a": value}]
    return value


@pytest.mark.parametrize(
    "value",
    ["x" * 10**7, ["y" * 100] * 1000, 10**10_000, [10**10_000], deep(500), {1: deep(500)}],
    ids=["text", "list", "number", "number in a list", "deep", "deep in a table"],
)
def test_a_huge_value_is_shown_short(value: object) -> None:
    assert len(shown(value)) <= 60


@pytest.mark.parametrize("text", ["\x1b[2J", "a\nb", "\0", "\u202e", "\udc80", "\x9b", "\u2028"])
def test_what_a_terminal_obeys_is_escaped(text: str) -> None:
    assert shown(text).isprintable()
    assert printable(f"before {text} after").isprintable()
    assert "before" in printable(f"before {text} after")


def test_plain_text_stays_as_it_is() -> None:
    assert printable("Größe 28 × 28, 佐藤") == "Größe 28 × 28, 佐藤"
    assert printable("abcdef", 4) == "abc…"


def test_of_text_of_several_lines_only_the_line_breaks_stay() -> None:
    assert plain("a\tb\nGröße\n") == "a       b\nGröße\n"
    assert plain("a\x1b[2J\r\n\u202eb") == "a\\x1b[2J\\r\n\\u202eb"
