"""From what a person gives to the complete spec of a sweep, and the files that it needs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fitq.data.jobs import resolve_dataset
from fitq.drafts import spoken_name
from fitq.own_model import own_model
from fitq.uploads import Upload
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.settings import Settings
from fitq_shared.sweeps.spec import SweepSpec


def complete_sweep(
    values: Mapping[str, Any], settings: Settings, folder: Path
) -> tuple[SweepSpec, list[Upload]]:
    """A full spec: what was given, and a name, an owner and a seed where none was.

    Args:
        values: as a sweep file has them: `train`, `space` and the sweep's own fields.
        folder: what the path of a model in `train` is relative to.

    Raises:
        InvalidInput: names every mistake at once, or what is wrong with the model's file.
        StoreError: the data set may be a registered one, but the store cannot be read.
    """
    given = values.get("train")
    base: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {}
    uploads: list[Upload] = []
    if "model" in base:
        base["model"], uploads = own_model(base["model"], folder, _options(values))
    base, unknown = resolve_dataset(base, settings)
    own = {"name": spoken_name(), "owner": settings.owner, "seed": secrets.randbelow(2**31)}
    return _parsed({**own, **values, "train": base}, unknown), uploads


def space_of(grid: Mapping[str, Any], random: Mapping[str, Any]) -> dict[str, Any]:
    """The space of a sweep, as its file has it.

    Args:
        grid: by name, the values to walk: a list, or an array of shape (n,).
        random: by name, what to draw from: a pair (low, high), a list of values, or what a sweep
            file takes, such as "1e-4..1e-1:log".

    Raises:
        InvalidInput: names each that is in both.
    """
    if twice := [
        Mistake(name, "grid and random", "one of both") for name in grid if name in random
    ]:
        raise InvalidInput(twice)
    walked = {name: {"values": _plain(values), "grid": True} for name, values in grid.items()}
    return {**walked, **{name: _drawn(given) for name, given in random.items()}}


def _drawn(given: Any) -> Any:
    if isinstance(given, tuple) and len(given) == 2:
        return {"low": given[0], "high": given[1]}
    if isinstance(given, str | Mapping):
        return given
    return {"values": _plain(given), "grid": False}


def _plain(values: Any) -> Any:
    """An array as a list of Python's own numbers; a range or a tuple as a list, too."""
    if hasattr(values, "tolist"):
        return values.tolist()
    return list(values) if isinstance(values, Sequence) and not isinstance(values, str) else values


def _options(values: Mapping[str, Any]) -> list[str]:
    """The parameters of a sweep, by the names that a builder's options have."""
    space = values.get("space")
    names = space if isinstance(space, Mapping) else {}
    return [str(name).removeprefix("model.options.") for name in names]


def _parsed(values: Mapping[str, Any], unknown: Sequence[Mistake]) -> SweepSpec:
    """The spec of a sweep, whose data set may be unknown: with all that is wrong beside that."""
    try:
        spec = SweepSpec.parse(values)
    except InvalidInput as error:
        places = {mistake.where for mistake in unknown}
        others = [m for m in error.mistakes if m.where.removeprefix("train.") not in places]
        raise InvalidInput([*unknown, *others], error.hint) from None
    if unknown:
        raise InvalidInput(unknown)
    return spec
