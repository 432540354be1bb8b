"""Callbacks at hand, on their way to a worker: how each is made anew there.

A callback is made by its class and the arguments of that: those of its `get_config`, if it has
one, else its attributes of the same names.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np

from fitq.own_objects import OwnObject
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.keras_classes import derives, is_keras
from fitq_shared.texts import shown

_STAYS = "nothing: what it writes would stay on the worker, where fitq keeps {}"
REFUSED = {
    "BackupAndRestore": _STAYS.format("checkpoints itself"),
    "CSVLogger": _STAYS.format("the history itself: job.history"),
    "History": _STAYS.format("the history itself: job.history"),
    "ModelCheckpoint": _STAYS.format("checkpoints and the model itself: job.model()"),
    "ProgbarLogger": "nothing: job.watch() shows the progress",
    "RemoteMonitor": "a callback that needs no other server",
    "TensorBoard": _STAYS.format("history and figures itself: job.history"),
}
# A job ends on its own when the loss is no number any more.
NEEDLESS = ("TerminateOnNaN",)


@dataclass(frozen=True)
class Call:
    """A class with the arguments that it is called with; `module` as it is at hand."""

    module: str
    name: str
    arguments: Mapping[str, Any]

    def written(self, modules: Mapping[str, str]) -> str:
        """As Python, where modules have these names."""
        given = ", ".join(f"{name}={_written(v, modules)}" for name, v in self.arguments.items())
        return f"{modules.get(self.module, self.module)}.{self.name}({given})"


@dataclass(frozen=True)
class Calls:
    """How callbacks are made, and the user's own objects that this takes."""

    calls: Sequence[Call] = ()
    objects: Sequence[OwnObject] = ()
    early_stopping: Mapping[str, Any] | None = field(default=None)


def calls_of(callbacks: Any) -> Calls:
    """How to make the callbacks that `fit` was given. Early stopping is a part of the job itself.

    Raises:
        InvalidInput: names each that cannot be made anew, and why.
    """
    given = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
    calls, objects, wrong, stopping = [], [], [], None
    for one in given:
        kind = type(one)
        try:
            if not derives(kind, "Callback"):
                raise ValueError("an object of keras.callbacks.Callback")
            if is_keras(kind) and kind.__name__ in NEEDLESS:
                continue
            if is_keras(kind) and kind.__name__ == "EarlyStopping" and stopping is None:
                stopping = _early_stopping(one)
                continue
            calls.append(_call(one))
            objects += [] if is_keras(kind) else [_object(kind)]
            objects += [_object(f) for f in _functions([*calls[-1].arguments.values()])]
        except ValueError as error:
            wrong.append(Mistake("callbacks", kind.__name__, str(error)))
    if wrong:
        raise InvalidInput(wrong)
    return Calls(calls, objects, stopping)


def _call(callback: Any) -> Call:
    kind = type(callback)
    if is_keras(kind) and kind.__name__ in REFUSED:
        raise ValueError(REFUSED[kind.__name__])
    arguments = _arguments(callback)
    for name, value in arguments.items():
        if not _is_plain(value):
            expected = "numbers, texts, lists, dicts, and functions and classes of a module"
            raise ValueError(f"arguments that are {expected}: {name} is {shown(value, 60)}")
    module = "keras.callbacks" if is_keras(kind) else kind.__module__
    return Call(module, kind.__name__ if is_keras(kind) else kind.__qualname__, arguments)


def _arguments(callback: Any) -> dict[str, Any]:
    kind = type(callback)
    if callable(getattr(callback, "get_config", None)):
        return dict(callback.get_config())
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    found = {}
    for one in parameters:
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            continue
        if not hasattr(callback, one.name):
            raise ValueError(
                f"its argument {one.name!r} as an attribute, self.{one.name} = {one.name}, or a "
                "get_config: a worker makes it anew"
            )
        found[one.name] = getattr(callback, one.name)
    return found


def _early_stopping(callback: Any) -> dict[str, Any]:
    if callback.baseline is not None or callback.start_from_epoch:
        raise ValueError("EarlyStopping without baseline and start_from_epoch")
    names = ("monitor", "patience", "mode", "restore_best_weights")
    found = {name: getattr(callback, name) for name in names}
    return {**found, "min_delta": abs(float(callback.min_delta))}


def _object(value: Any) -> OwnObject:
    return OwnObject(value.__name__, value)


def _functions(values: Sequence[Any]) -> list[Any]:
    found = []
    for value in values:
        if isinstance(value, FunctionType | type):
            found.append(value)
        elif isinstance(value, list | tuple | dict):
            found += _functions([*(value.values() if isinstance(value, dict) else value)])
    return [one for one in found if not is_keras(one) and one.__module__ != "builtins"]


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(k, str | int) and _is_plain(v) for k, v in value.items())
    kinds = bool | int | float | str | None | np.integer | np.floating | FunctionType | type
    return isinstance(value, kinds)


def _written(value: Any, modules: Mapping[str, str]) -> str:
    if isinstance(value, np.integer | np.floating):
        return _written(value.item(), modules)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_written(one, modules) for one in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {_written(v, modules)}" for k, v in value.items()) + "}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if isinstance(value, FunctionType | type):
        module = value.__module__
        name = value.__qualname__
        return name if module == "builtins" else f"{modules.get(module, module)}.{name}"
    return repr(value)
