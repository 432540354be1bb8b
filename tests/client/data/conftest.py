"""Looking through data as `fitq datasets add` does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fitq.data.looking import look_through
from fitq.data.source import Declared, Source
from fitq_shared.errors import InvalidInput


@pytest.fixture
def look() -> Callable[..., Source]:
    """What is found at a path, where this is declared."""

    def run(path: Path | str, **declared: Any) -> Source:
        return look_through(str(path), Declared(**declared), lambda _: None)

    return run


@pytest.fixture
def mistakes(look: Callable[..., Source]) -> Callable[..., list[str]]:
    """The mistakes that are named, all of them, one a line."""

    def run(path: Path | str, **declared: Any) -> list[str]:
        with pytest.raises(InvalidInput) as caught:
            look(path, **declared)
        return caught.value.message.splitlines()

    return run
