"""Which value of a training job a sweep's parameter is: a path such as optimizer.learning_rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fitq_shared.errors import Mistake
from fitq_shared.specs.mistakes import unknown_choice
from fitq_shared.specs.models import MODELS
from fitq_shared.specs.train import TrainJob

# What people call it, and where it is.
SHORT = {
    "lr": "optimizer.learning_rate",
    "learning_rate": "optimizer.learning_rate",
    # So that the learning rate of whichever it is may differ, too.
    "optimizer": "optimizer.name",
    "patience": "early_stopping.patience",
    "monitor": "early_stopping.monitor",
}
# What a plain value in the place of a table stands for.
PLAIN = {"optimizer": "name", "model": "type"}
# What tells the trials of a sweep apart, or is the same for all.
FIXED = ("schema_version", "kind", "name", "owner", "tags", "model_name", "after")


def resolve(name: str, base: Mapping[str, Any], where: str) -> str | Mistake:
    """The path that a name means in trainings like this one.

    Args:
        name: a path, a short form such as "lr", or the name of an option of the model.
        base: the raw values of the training.
        where: the parameter's own place, for the mistake.
    """
    path = SHORT.get(name, name)
    first = path.split(".")[0]
    if first in FIXED:
        return Mistake(where, name, f"another field: the sweep gives each trial its {first}")
    if first in TrainJob.model_fields:
        return path
    options = _options(base.get("model"))
    if path in options:
        return f"{options[path]}.{path}"
    if value_at(base, "model.type") == "code" and path.isidentifier():
        # Whether its builder takes it, only the worker can know.
        return f"model.options.{path}"
    known = [*SHORT, *options, *(f for f in TrainJob.model_fields if f not in FIXED)]
    return unknown_choice(where, name, known)


def clashes(paths: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs of which one is the other, or a part of it."""
    listed = sorted(paths)
    return [
        (one, other)
        for at, one in enumerate(listed)
        for other in listed[at + 1 :]
        if f"{other}.".startswith(f"{one}.")
    ]


def put(values: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The values with this one in its place; those that were given stay as they are."""
    first, _, rest = path.partition(".")
    if not rest:
        return {**values, first: value}
    inner = values.get(first)
    if inner is None:
        inner = {}
    elif not isinstance(inner, Mapping):
        inner = {PLAIN.get(first, "value"): inner}
    return {**values, first: put(inner, rest, value)}


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """The value at a path; None where there is none."""
    found: Any = values
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def label(path: str, others: Iterable[str]) -> str:
    """The last part of a path, if that is enough to know it from the others."""
    table, _, last = path.rpartition(".")
    if PLAIN.get(table) == last:
        return table
    alike = [other for other in others if other.rpartition(".")[2] == last]
    return last if len(alike) <= 1 else path


def _options(model: object) -> dict[str, str]:
    """The options of a training's model, and where in the job they are."""
    kind = model.get("type") if isinstance(model, Mapping) else model
    if not isinstance(kind, str) or kind not in MODELS:
        return {}
    return {name: "model" for name in MODELS[kind].model_fields if name != "type"}
