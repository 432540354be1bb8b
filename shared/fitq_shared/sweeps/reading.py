"""What the raw values of a sweep mean: its space, and what follows from the rest."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from fitq_shared.errors import Mistake
from fitq_shared.metric_order import mode_of
from fitq_shared.sweeps.address import FIXED, resolve
from fitq_shared.sweeps.space import Parameter

MOST_TRIALS = 1000


def read_space(
    given: object, train: Mapping[str, Any]
) -> tuple[dict[str, Parameter], list[Mistake]]:
    """The parameters by path, in order, and what is wrong with them."""
    if not isinstance(given, Mapping) or not given:
        expected = "a table of what differs between the trials; as flags, --grid and --random"
        return {}, [Mistake("space", given, expected)]
    space: dict[str, Parameter] = {}
    mistakes: list[Mistake] = []
    for name, value in _flat(given):
        where = f"space.{name}"
        path = resolve(name, train, where)
        parameter = Parameter.read(where, value)
        if isinstance(path, Mistake):
            mistakes.append(path)
        elif path in space:
            mistakes.append(Mistake(where, name, f"each parameter once: it is {path} again"))
        if isinstance(parameter, list):
            mistakes += parameter
        elif isinstance(path, str):
            space.setdefault(path, parameter)
    # What is drawn depends on the order, and the record does not keep any other.
    return dict(sorted(space.items())), mistakes


def _flat(given: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The parameters by path: a TOML file may write a path as tables in tables."""
    for name, value in given.items():
        if isinstance(value, Mapping) and value and not value.keys() & Parameter.model_fields:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def defaults(given: Mapping[str, Any], space: Mapping[str, Parameter]) -> dict[str, Any]:
    """What follows from the rest, where it is not given."""
    found: dict[str, Any] = {}
    if "sampler" not in given:
        found["sampler"] = "random" if any(not one.grid for one in space.values()) else "grid"
    if "trials" not in given and space and all(one.grid for one in space.values()):
        found["trials"] = min(size_of(space), MOST_TRIALS)
    metric = given.get("metric", "val_accuracy")
    if "goal" not in given and isinstance(metric, str):
        # None is said to be missing: nobody can know.
        found |= {"goal": mode} if (mode := mode_of(metric)) else {}
    return found


def size_of(space: Mapping[str, Parameter]) -> int:
    """How many points its grids have together."""
    return math.prod(len(one.values or ()) for one in space.values() if one.grid)


def fixed_mistakes(train: Mapping[str, Any]) -> list[Mistake]:
    """What the training names that the sweep gives each trial."""
    instead = {"model_name": "none: give the sweep's own"}
    return [
        Mistake(f"train.{name}", train[name], instead.get(name, "none: the sweep gives its own"))
        for name in FIXED
        if train.get(name) is not None and (name, train[name]) != ("kind", "train")
    ]


def is_within(mistake: Mistake, space: Mapping[str, Any]) -> bool:
    """Whether it is about a value that the sweep chooses."""
    where = mistake.where.partition("[")[0]
    return any(f"{where}.".startswith(f"{path}.") or path == where for path in space)


def in_train(mistake: Mistake) -> Mistake:
    """The same mistake, in the sweep's own words."""
    return Mistake(f"train.{mistake.where}", mistake.given, mistake.expected)
