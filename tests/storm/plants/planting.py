"""How a fault is planted: in the processes of the workers only, when their Python starts.

A folder beside this file holds a `sitecustomize.py`; the storm puts it on the workers' path.
"""

from __future__ import annotations

import os
import sys
from importlib import resources
from typing import Any, NoReturn

import redis


def take_out(name: str, line: str) -> None:
    """Take a line out of a Lua script, wherever this process registers it.

    Args:
        name: the script's file in fitq_shared.transitions, without its suffix.
        line: it must be in the script, word for word.
    """
    script = resources.files("fitq_shared.transitions").joinpath(f"{name}.lua").read_text("utf-8")
    if line not in script:
        give_up(f"{name}.lua has no line {line!r}")
    register = redis.Redis.register_script

    def registered(self: Any, text: str) -> Any:
        # Other functions may have been put before it.
        return register(self, text.replace(script, script.replace(line, "")))

    redis.Redis.register_script = registered  # type: ignore[method-assign,assignment]


def give_up(why: str) -> NoReturn:
    """End the process: Python itself would only print what a sitecustomize raises, and go on."""
    sys.stderr.write(f"the fault cannot be planted: {why}\n")
    sys.stderr.flush()
    os._exit(3)
