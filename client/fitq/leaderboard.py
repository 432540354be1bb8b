"""The live view of a sweep: its best trials first. And how it has ended.

It goes to standard error, so that standard output holds results only. In a terminal there is a
table that changes; elsewhere a line for each trial that ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fitq.fitting import fit
from fitq.outcome import saying_how_to_return
from fitq.standings import (
    counts,
    hidden_first,
    number,
    ranked,
    show_end,
    shown,
    value_of,
)
from fitq.sweeping import Standing, Sweeping
from fitq.tables import print_json, table_of
from fitq_shared.sweeps.address import label
from fitq_shared.texts import printable

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.sweeps.record import SweepRecord, Trial

PERIOD_SECONDS = 1.0
SHOWN_TRIALS = 15
_COLOURS = {
    **{"completed": "green", "running": "cyan", "stopped": "yellow"},
    **{"diverged": "red", "failed": "red"},
}


def follow_or_return(client: Queue, sweep: SweepRecord, *, wait: bool, as_json: bool) -> None:
    """Follow a sweep to its end and show that, or say how to follow it.

    Exits with 1 when it has failed or was cancelled, with 130 when the user stopped following.
    """
    if not wait:
        if as_json:
            print_json(sweep.public([]))
        else:
            click.echo(f"{sweep.id}  {sweep.name}  {_summary(sweep)}")
            click.echo(f"follow it with `fitq sweep watch {sweep.name}`", err=True)
        if waits := Sweeping(client).standing(sweep.id).waits:
            click.echo(printable(waits), err=True)
        return
    click.echo(f"sweep {sweep.id} ({sweep.name}): {_summary(sweep)}", err=True)
    with saying_how_to_return(sweep, "sweep", "fitq sweep"):
        standing = follow(client, sweep)
    show_end(standing, as_json=as_json)


def follow(client: Queue, sweep: SweepRecord) -> Standing:
    """Show a sweep until it has ended, riding out outages of Redis of up to five minutes."""
    console = Console(stderr=True, highlight=False)
    patient = client.patient(lambda text: console.print(text, markup=False, soft_wrap=True))
    sweeping = Sweeping(patient)
    said: set[int] = set()
    waited = ""
    live = Live(console=console, transient=True, auto_refresh=False)
    with live if console.is_terminal else _Quiet() as view:
        while True:
            standing = sweeping.standing(sweep.id)
            for trial in _news(standing, said):
                console.print(trial_line(standing, trial), markup=False, soft_wrap=True)
            if standing.waits not in ("", waited):
                console.print(printable(standing.waits), markup=False, soft_wrap=True)
            waited = standing.waits
            view.update(board(standing, console.width), refresh=True)
            if standing.sweep.ended:
                return standing
            time.sleep(PERIOD_SECONDS)


def board(standing: Standing, room: int, most: int = SHOWN_TRIALS) -> Table:
    """The sweep as a table, its best trials first, then those that run.

    Args:
        room: cells in a line; what does not fit is left out, the last parameters first.
    """
    sweep = standing.sweep
    paths = list(sweep.spec["space"])
    names = (label(path, paths) for path in paths)
    headers = ["trial", *names, sweep.spec["metric"], "epochs", "state"]
    best = standing.best
    rows = []
    for trial in ranked(standing)[:most]:
        state = standing.state(trial)
        style = "bold" if best is not None and trial.number == best.number else ""
        cells = [
            f"{sweep.name}-{trial.number}",
            *(shown(trial.params.get(path)) for path in paths),
            number(value_of(standing, trial)),
            str(len(standing.curve(trial)) or ""),
        ]
        row = [Text(cell, style=style) for cell in cells]
        rows.append([*row, Text(state, style=_COLOURS.get(state, ""))])
    texts = [[cell.plain for cell in row] for row in rows]
    fitted = fit(headers, texts, room, hide=hidden_first(sweep))
    table = table_of(headers, rows, fitted)
    table.title_justify = table.caption_justify = "left"
    table.title = f"{sweep.name}: {counts(standing)}"
    left_out = list(fitted.hidden)
    if len(standing.trials) > most:
        left_out.insert(0, f"{len(standing.trials) - most} more")
    if left_out:
        table.caption = f"and {', '.join(left_out)}: `fitq sweep show {sweep.name}`"
    return table


def trial_line(standing: Standing, trial: Trial) -> str:
    """How a trial has ended, in one line."""
    sweep = standing.sweep
    paths = list(sweep.spec["space"])
    params = ", ".join(f"{label(p, paths)} {shown(v)}" for p, v in trial.params.items())
    value = "" if trial.value is None else f"  {sweep.spec['metric']} {number(trial.value)}"
    best = standing.best
    mark = "  best so far" if best is not None and best.number == trial.number else ""
    why = f"  {trial.reason}" if trial.reason else ""
    return printable(f"{sweep.name}-{trial.number}  {trial.state}{value}  {params}{mark}{why}")


def _news(standing: Standing, said: set[int]) -> Iterator[Trial]:
    """The trials that have ended since they were last asked for, in that order."""
    ended = [t for t in standing.trials if t.state != "open" and t.number not in said]
    for trial in sorted(ended, key=lambda trial: trial.ended or 0.0):
        said.add(trial.number)
        yield trial


def _summary(sweep: SweepRecord) -> str:
    return printable(sweep.parsed().summary)


class _Quiet:
    """In place of a table that changes, where there is no terminal."""

    def __enter__(self) -> _Quiet:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, table: Table, *, refresh: bool) -> None:
        """Show nothing."""
