"""How much a spec may hold, and which text: looked at before anything else reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fitq_shared.errors import InvalidInput, Mistake

DEEPEST = 8
MOST_VALUES = 2000
LONGEST_TEXT = 1000
LONGEST_KEY = 64
# What every JSON reader takes for a whole number.
MOST_BITS = 64


def check_bounds(data: Mapping[str, Any]) -> list[Mistake]:
    """The texts in a spec that are too long or have characters that hide something.

    Raises:
        InvalidInput: the spec is so deep or so large, or has such names or numbers, that nothing
            else may look at it.
    """
    mistakes: list[Mistake] = []
    waiting: list[tuple[str, Any, int]] = [("", data, 0)]
    count = 0
    while waiting:
        where, value, depth = waiting.pop()
        count += 1
        if depth > DEEPEST:
            raise InvalidInput(
                f"the job is too deep: expected at most {DEEPEST} levels of tables and lists",
                "give only the fields that a job has",
            )
        if count > MOST_VALUES:
            raise InvalidInput(
                f"the job is too large: expected at most {MOST_VALUES} values",
                "give only the fields that a job has",
            )
        if isinstance(value, Mapping):
            for key, inner in value.items():
                _check_key(where, key)
                waiting.append((f"{where}.{key}" if where else key, inner, depth + 1))
        elif isinstance(value, list | tuple):
            waiting += [(f"{where}[{at}]", item, depth + 1) for at, item in enumerate(value)]
        elif isinstance(value, str):
            mistakes += _text_mistakes(where, value)
        elif isinstance(value, int) and value.bit_length() > MOST_BITS:
            found = f"a number of {value.bit_length()} bits"
            raise InvalidInput([Mistake(where, found, f"a number of at most {MOST_BITS} bits")])
    return mistakes


def _check_key(where: str, key: object) -> None:
    if isinstance(key, str) and key.isprintable() and len(key) <= LONGEST_KEY:
        return
    expected = f"names of fields of at most {LONGEST_KEY} letters, without hidden characters"
    found = key[:LONGEST_KEY] if isinstance(key, str) else key
    raise InvalidInput([Mistake(where or "a field", found, expected)])


def _text_mistakes(where: str, text: str) -> list[Mistake]:
    if len(text) > LONGEST_TEXT:
        expected = f"text of at most {LONGEST_TEXT} letters, not {len(text)}"
    elif not text.isprintable():
        expected = "text without control characters, line breaks or hidden marks"
    else:
        return []
    return [Mistake(where, text[:LONGEST_KEY], expected)]
