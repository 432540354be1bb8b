"""Preprocessing and splits as flags say them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fitq.drafts import Value
from fitq_shared.errors import InvalidInput, Mistake

_EXAMPLE = "input=step:option=value,…, such as text=vectorize:max_tokens=5000,sequence_length=100"


def preprocessing(flags: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """`--preprocess`, several times, as a job file would say it: the steps by input, in order.

    Several values of one option are separated by "|": city=one_hot:categories=oslo|rome.

    Raises:
        InvalidInput: names each flag that says no input, no step, or an option without a value.
    """
    table: dict[str, list[dict[str, Any]]] = {}
    wrong = []
    for flag in flags:
        name, equals, rest = flag.partition("=")
        step, _, listed = rest.partition(":")
        pairs = [pair.partition("=") for pair in listed.split(",") if pair.strip()]
        if not (equals and name.strip() and step.strip()) or any(not p[1] for p in pairs):
            wrong.append(Mistake("--preprocess", flag, _EXAMPLE))
            continue
        options = {key.strip(): _value(value) for key, _, value in pairs}
        table.setdefault(name.strip(), []).append({"type": step.strip(), **options})
    if wrong:
        raise InvalidInput(wrong)
    return table


def _value(text: str) -> Any:
    values = [Value().convert(part.strip(), None, None) for part in text.split("|")]
    return values if len(values) > 1 else values[0]
