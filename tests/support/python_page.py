"""The examples of a page: its Python blocks in their order, and what the page says they print."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any


def run_page(page: Path) -> list[tuple[str, str]]:
    """Run all Python blocks of a page, one after the other in one module.

    Returns:
        For each block that an output follows: that output, and what the block has printed.
    """
    names: dict[str, Any] = {"__name__": "page"}
    found = []
    blocks = re.findall(r"```python\n(.*?)```(?:\n\n```\n(.*?)```)?", page.read_text(), re.DOTALL)
    for code, expected in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            exec(compile(code, str(page), "exec"), names)
        if expected:
            found.append((expected, printed.getvalue()))
    return found
