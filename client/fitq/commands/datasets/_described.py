"""What a worker has measured of a registered data set, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from fitq.tables import print_table
from fitq_shared.texts import printable

SHOWN_CLASSES = 30


def print_described(found: Mapping[str, Any]) -> None:
    """Print the values of each column, and the rows of each class."""
    columns = found["columns"]
    print_table(
        ["column", "split", "min", "max", "mean", "std", "missing"],
        [
            [column["name"], split, *map(_number, _measured(values)), values["missing"]]
            for column in columns
            for split, values in column["splits"].items()
        ],
        hide=["missing", "std"],
    )
    for name, splits in found["counts"].items():
        classes = list(dict.fromkeys(label for counts in splits.values() for label in counts))
        print_table(
            [name, *(f"{split} rows" for split in splits)],
            [
                [label, *(counts.get(label, 0) for counts in splits.values())]
                for label in classes[:SHOWN_CLASSES]
            ],
        )
        if len(classes) > SHOWN_CLASSES:
            click.echo(f"and {len(classes) - SHOWN_CLASSES} more")
    for column in columns:
        name = column["name"]
        for fault in column["faults"]:
            click.secho(f"{printable(name)}: {printable(fault)}", fg="yellow")


def _measured(values: Mapping[str, Any]) -> list[Any]:
    return [values.get(name) for name in ("min", "max", "mean", "std")]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
