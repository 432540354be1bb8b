"""Classes and functions of the user's own: those that a model names, and where they are defined."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from fitq_shared.code_bundle import TAKEN

MAIN = "__main__"


@dataclass(frozen=True)
class OwnObject:
    """A class or function of the user's.

    Attributes:
        key: by which Keras looks it up: "package>Name" if it is registered, else its name.
    """

    key: str
    value: Any

    @property
    def module(self) -> str:
        """Where it is defined."""
        return str(self.value.__module__)

    @property
    def name(self) -> str:
        """What it is called there; with dots if it is within another."""
        return str(self.value.__qualname__)


def own_objects(config: Any) -> list[OwnObject]:
    """What a model's configuration names of what this process has loaded from files of the user's.

    Nothing is imported for it.
    """
    found: dict[str, OwnObject] = {}
    for part in _parts(config):
        name, module, key = (part.get(one) for one in ("class_name", "module", "registered_name"))
        is_function = name == "function"
        if is_function:
            name = part.get("config")
        if not isinstance(name, str) or str(module).partition(".")[0] == "keras":
            continue
        value = _loaded(name.rpartition(">")[2], module, is_function=is_function)
        if value is not None:
            by = name if is_function else str(key or name)
            found.setdefault(by, OwnObject(by, value))
    return list(found.values())


def is_local(module: ModuleType) -> bool:
    """Whether a module is a file of the user's: neither Python's own nor installed."""
    if module.__name__ == MAIN:
        return True
    if module.__name__.partition(".")[0] in TAKEN:
        return False
    file = getattr(module, "__file__", None)
    if not file or not file.endswith(".py"):
        return False
    path = Path(file).resolve()
    return not any(path.is_relative_to(place) for place in _installed())


def _loaded(name: str, module: object, *, is_function: bool) -> Any:
    """The class or function of this name, if the user has defined it."""
    places = [sys.modules.get(str(module)), sys.modules.get(MAIN)]
    # Keras does not keep where a function comes from.
    places += [one for one in list(sys.modules.values()) if is_function and _is_module(one)]
    for place in places:
        value = getattr(place, "__dict__", {}).get(name)
        wanted = FunctionType if is_function else type
        if isinstance(value, wanted) and _is_own(value):
            return value
    return None


def _is_module(value: object) -> bool:
    return isinstance(value, ModuleType) and is_local(value)


def _is_own(value: Any) -> bool:
    module = str(value.__module__)
    return module in sys.modules and module.partition(".")[0] not in {*TAKEN, "builtins"}


def _parts(value: Any) -> Iterator[Mapping[str, Any]]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            if "class_name" in one:
                yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _installed() -> list[Path]:
    kinds = ("stdlib", "platstdlib", "purelib", "platlib")
    return [Path(sysconfig.get_path(kind)).resolve() for kind in kinds]
