"""Tables and times for people."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fitq.fitting import Fitted, fit
from fitq.numbers import count_or_measure
from fitq_shared.record import JobRecord
from fitq_shared.texts import printable

_COLOURS = {"succeeded": "green", "failed": "red", "running": "cyan", "cancelled": "yellow"}


def print_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    hide: Sequence[str] = (),
    fold: Mapping[str, int] = MappingProxyType({}),
    elsewhere: str = "see all with --json, or `| cat`",
) -> None:
    """Print rows under headers. Off a terminal nothing is cut, left out or coloured.

    Args:
        hide: the columns that a narrow terminal does without, the least important first. Which
            they are is said.
        fold: those whose text may go on in the next line, and how many cells each keeps at least.
        elsewhere: how to see the columns that have no room.
    """
    texts = [["" if value is None else printable(str(value)) for value in row] for row in rows]
    console = Console(highlight=False)
    room = console.width if console.is_terminal else sys.maxsize
    fitted = fit(headers, texts, room, hide=hide, fold=fold)
    # What is wider than the terminal is left to it to wrap: rich would cut it.
    console = Console(highlight=False, width=max(console.width, fitted.width))
    console.print(table_of(headers, [[_cell(text) for text in row] for row in texts], fitted))
    if fitted.hidden:
        hidden = ", ".join(map(printable, fitted.hidden))
        click.echo(f"no room for {hidden}: {elsewhere}", err=True)


def table_of(headers: Sequence[str], rows: Sequence[Sequence[Text]], fitted: Fitted) -> Table:
    """The columns that fit, each as wide as was found."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for at, width in fitted.widths.items():
        table.add_column(Text(headers[at]), overflow="fold", width=width)
    for row in rows:
        table.add_row(*(row[at] for at in fitted.widths))
    return table


def print_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2))


def print_metrics(metrics: dict[str, float]) -> None:
    """Print metrics, one a line."""
    names = {name: printable(name) for name in metrics}
    width = max(map(len, names.values()), default=0)
    for name, value in metrics.items():
        click.echo(f"  {names[name]:<{width}}  {count_or_measure(value)}")


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


def _cell(text: str) -> Text:
    return Text(text, style=_COLOURS.get(text, ""))
