"""The report of a training that was done again, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fitq_shared.texts import printable

MOST = 10


def lines_of(report: dict[str, Any]) -> Iterator[str]:
    """What `reproduction.json` says, a line each: whether it is identical; else what differs."""
    weights, epochs = report["weights"], report["epochs"]
    if report["identical"]:
        yield (
            f"identical: all {weights['count']} weights and {epochs['count']} epochs, to the bit"
        )
    else:
        yield f"not identical: {_share(weights, 'weights')}, {_share(epochs, 'epochs')}"
        yield from map(_weight, weights["differing"][:MOST])
        yield from map(_epoch, epochs["differing"][:MOST])
    differing = [one for one in report["circumstances"] if not one["same"]]
    for one in differing:
        yield f"  {one['name']}: {_text(one['first'])}, now {_text(one['second'])}"
    same = [one["name"] for one in report["circumstances"] if one["same"]]
    yield f"the same: {', '.join(same)}"


def _share(part: dict[str, Any], what: str) -> str:
    return f"{len(part['differing'])} of {part['count']} {what} differ"


def _weight(one: dict[str, Any]) -> str:
    name = printable(str(one["name"]), 100)
    if "of" not in one:
        return f"  {name}: {_text(one['first'])}, now {_text(one['second'])}"
    return f"  {name}: {one['differing']} of {one['of']} numbers, by up to {one['largest']:.3g}"


def _epoch(one: dict[str, Any]) -> str:
    if "missing" in one:
        missing = "the first training" if one["missing"] == "first" else "this one"
        return f"  epoch {one['epoch']}: {missing} has none"
    values = ", ".join(
        f"{printable(name, 60)} {_text(first)}, now {_text(second)}"
        for name, (first, second) in one["values"].items()
    )
    return f"  epoch {one['epoch']}: {values}"


def _text(value: object) -> str:
    return printable(f"{value:.9g}" if isinstance(value, float) else str(value), 100)
