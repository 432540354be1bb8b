"""Tables and times for people."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fitq_shared.record import JobRecord
from fitq_shared.texts import printable

# Below it four decimals say too little.
SMALL = 0.001
_COLOURS = {"succeeded": "green", "failed": "red", "running": "cyan", "cancelled": "yellow"}


def print_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under headers. Off a terminal nothing is cut or coloured."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
    console.print(table)


def print_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2))


def print_metrics(metrics: dict[str, float]) -> None:
    """Print metrics, one a line."""
    names = {name: printable(name) for name in metrics}
    width = max(map(len, names.values()), default=0)
    for name, value in metrics.items():
        click.echo(f"  {names[name]:<{width}}  {_number(value)}")


def _number(value: float) -> str:
    """A metric as it is printed: with four decimals, unless these would be mostly zeros."""
    if float(value).is_integer():
        return f"{value:g}"
    return f"{value:.3g}" if abs(value) < SMALL else f"{value:.4f}"


def ago(moment: float | None) -> str:
    """How long ago a moment was, in one unit."""
    return "" if moment is None else f"{duration(time.time() - moment)} ago"


def took(record: JobRecord) -> str:
    """How long a job has run."""
    if record.started is None:
        return ""
    return duration((record.finished or time.time()) - record.started)


def duration(seconds: float) -> str:
    """Seconds in the unit that a person would use."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def headline(metrics: dict[str, Any] | None) -> str:
    """The one number by which a job is compared."""
    for name in ("val_accuracy", "accuracy", "val_loss", "loss", "rows"):
        if metrics and name in metrics:
            return f"{name} {metrics[name]:.{9 if name == 'rows' else 4}g}"
    return ""


def _cell(value: object) -> Text:
    text = "" if value is None else printable(str(value))
    return Text(text, style=_COLOURS.get(text, ""))
