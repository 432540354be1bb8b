"""What is done with raw inputs before a model takes them, declared with the job.

A table from inputs to their steps (steps.py), in order. A key is an input's name, or "@" and a
kind for every input of that kind which has no key of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from fitq_shared.errors import Mistake
from fitq_shared.specs.mistakes import unknown_choice
from fitq_shared.specs.steps import KINDS, STEPS, AnyStep, Kind, Resize

CHANNELS = (1, 3, 4)
MOST_STEPS = 16


def _listed(value: Any) -> Any:
    """One step where a list is expected stands for a list of it alone."""
    if isinstance(value, str | Mapping):
        return (value,)
    if not isinstance(value, list | tuple):
        raise ValueError("a step, or a list of them")  # noqa: TRY004 - pydantic's way
    return value


Steps = Annotated[tuple[AnyStep, ...], Field(max_length=MOST_STEPS), BeforeValidator(_listed)]
Preprocessing = Annotated[dict[str, Steps], Field(max_length=1000)]


def kind_of(shape: Sequence[int], dtype: str) -> Kind:
    """What an input seems to be meant to be.

    Args:
        shape: of one row.
        dtype: NumPy's name; "str" for texts.
    """
    if dtype == "str":
        return "text"
    if not shape:
        return "number"
    gray, coloured = len(shape) == 2, len(shape) == 3 and shape[-1] in CHANNELS
    return "image" if dtype == "uint8" and (gray or coloured) else "array"


def first_resize(table: Mapping[str, tuple[Any, ...]]) -> Resize | None:
    """The size to which images are brought as they are read, if a step says one."""
    steps = (step for chain in table.values() for step in chain)
    return next((step for step in steps if isinstance(step, Resize)), None)


def preprocessing_mistakes(data: Mapping[str, Any], key: str = "preprocessing") -> list[Mistake]:
    """Kinds that there are not, in the raw values of a job."""
    table = data.get(key)
    if not isinstance(table, Mapping):
        return []
    kinds = [f"@{kind}" for kind in KINDS]
    return [
        unknown_choice(key, name, kinds)
        for name in table
        if isinstance(name, str) and name.startswith("@") and name not in kinds
    ]


def steps_of(table: Mapping[str, tuple[Any, ...]], name: str, kind: Kind) -> tuple[Any, ...] | None:
    """The steps that the table has for an input: its own, else its kind's, else None."""
    return table.get(name, table.get(f"@{kind}"))


def kind_mistakes(
    table: Mapping[str, tuple[Any, ...]], kinds: Mapping[str, Kind], key: str = "preprocessing"
) -> list[Mistake]:
    """What the table has for inputs that are not there, and steps that do not fit their inputs.

    Args:
        kinds: of the inputs that there are, by name.
    """
    mistakes = [
        unknown_choice(key, name, kinds)
        for name in table
        if name not in kinds and not name.startswith("@")
    ]
    for name, kind in kinds.items():
        current = kind
        for at, step in enumerate(steps_of(table, name, kind) or ()):
            if current not in step.takes:
                where = f"{key}.{name if name in table else f'@{kind}'}[{at}]"
                fitting = ", ".join(s for s, made in STEPS.items() if current in made.takes)
                expected = f"a step for the {current} that {name!r} is there: {fitting or 'none'}"
                mistakes.append(Mistake(where, step.type, expected))
                break
            current = step.gives or current
    return list(dict.fromkeys(mistakes))
