"""The Lua scripts in transitions/, each loaded once per connection."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

from fitq_shared.redis_link import Redis

# Scripts that share a function, which is put before them: Redis knows no include.
_BEFORE = {"finish": "_register", "register": "_register"}


class Scripts:
    """Runs the scripts of transitions/ by name."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._loaded: dict[str, Any] = {}

    def run(self, name: str, keys: list[str], args: list[Any]) -> str:
        """Run a script as one step, and give its answer as text."""
        if name not in self._loaded:
            before = _source(_BEFORE[name]) if name in _BEFORE else ""
            self._loaded[name] = self._redis.register_script(before + _source(name))
        return str(self._loaded[name](keys=keys, args=args))


def flat(fields: Mapping[str, str]) -> list[str]:
    """Fields as a script takes them: name, value, name, value …"""
    return [part for pair in fields.items() for part in pair]


def _source(name: str) -> str:
    file = resources.files("fitq_shared.transitions") / f"{name}.lua"
    return file.read_text(encoding="utf-8")
