"""The tables inside a spec, where what they are of does not matter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def tables_in(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The spec, and all tables inside it."""
    waiting: list[Any] = [spec]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            yield value
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
