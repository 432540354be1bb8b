"""From the options of `fitq datasets add` to what is declared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from fitq.data.source import Declared
from fitq.drafts import options as read_options
from fitq_shared.dataset_manifest import ColumnType
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.specs.mistakes import unknown_choice

SEPARATORS = {",": ",", ";": ";", "|": "|", "tab": "\t", "\\t": "\t", "\t": "\t"}
_PAIR = "COLUMN=TYPE, such as price=number or when=date:%d.%m.%Y"


def declare(
    targets: Sequence[str],
    inputs: Sequence[str],
    types: Sequence[str],
    missing: Sequence[str],
    may_miss: Sequence[str],
    separator: str | None,
    channels: int | None,
    test: Path | None,
    options: Sequence[str],
) -> Declared:
    """What the options say.

    Raises:
        InvalidInput: names every one that makes no sense.
    """
    mistakes: list[Mistake] = []
    kinds, formats = _types(types, mistakes)
    if separator is not None and separator not in SEPARATORS:
        mistakes.append(unknown_choice("--separator", separator, (",", ";", "|", "tab")))
    if channels not in (None, 1, 3, 4):
        expected = "1 (grey), 3 (colours) or 4 (with transparency)"
        mistakes.append(Mistake("--channels", channels, expected))
    both = sorted({*targets} & {*inputs})
    mistakes += [
        Mistake("--input", name, "no target; a job may say that a target is an input, too")
        for name in both
    ]
    mistakes += [
        Mistake("--may-miss", name, "no target: what is to be learned cannot be missing")
        for name in sorted({*targets} & {*may_miss})
    ]
    if mistakes:
        raise InvalidInput(mistakes)
    return Declared(
        targets=tuple(dict.fromkeys(targets)),
        inputs=tuple(dict.fromkeys(inputs)),
        types=kinds,
        formats=formats,
        missing=tuple(dict.fromkeys(marker.strip() for marker in missing)),
        may_miss=tuple(dict.fromkeys(may_miss)),
        separator=SEPARATORS[separator] if separator is not None else None,
        channels=channels,
        test=test,
        options=read_options(options),
    )


def _types(
    pairs: Sequence[str], mistakes: list[Mistake]
) -> tuple[dict[str, ColumnType], dict[str, str]]:
    """The type of each column, and the pattern of dates; adds what is wrong to the mistakes."""
    kinds: dict[str, ColumnType] = {}
    formats: dict[str, str] = {}
    for pair in pairs:
        name, _, kind = pair.rpartition("=") if ":" not in pair else _split_date(pair)
        kind, _, pattern = kind.partition(":")
        if not name:
            mistakes.append(Mistake("--type", pair, _PAIR))
        elif kind not in get_args(ColumnType):
            mistakes.append(unknown_choice(f"--type {name}", kind, get_args(ColumnType)))
        elif pattern and (kind != "date" or "%" not in pattern):
            expected = "a pattern for dates only, such as date:%d.%m.%Y"
            mistakes.append(Mistake(f"--type {name}", f"{kind}:{pattern}", expected))
        else:
            kinds[name] = next(known for known in get_args(ColumnType) if known == kind)
            if pattern:
                formats[name] = pattern
    return kinds, formats


def _split_date(pair: str) -> tuple[str, str, str]:
    """A pair whose type has a pattern, in which there may be another "="."""
    name, equals, kind = pair.partition("=date:")
    return (name, "=", f"date:{kind}") if equals else pair.rpartition("=")
