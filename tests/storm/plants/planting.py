"""How a fault is planted: in the processes of the workers only, when their Python starts.

A folder beside this file holds a `sitecustomize.py`; the storm puts it on the workers' path.
"""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

import redis


def take_out(script: str, line: str) -> None:
    """Take a line out of a Lua script, wherever this process registers it.

    Args:
        script: how the script's first line begins.
        line: it must be in the script, word for word.
    """
    register = redis.Redis.register_script

    def registered(self: Any, text: str) -> Any:
        if text.startswith(script):
            if line not in text:
                give_up(f"the script has no line {line!r}")
            text = text.replace(line, "")
        return register(self, text)

    redis.Redis.register_script = registered  # type: ignore[method-assign,assignment]


def give_up(why: str) -> NoReturn:
    """End the process: Python itself would only print what a sitecustomize raises, and go on."""
    sys.stderr.write(f"the fault cannot be planted: {why}\n")
    sys.stderr.flush()
    os._exit(3)
