"""The live view of a sweep: its best trials first. And how it has ended.

It goes to standard error, so that standard output holds results only. In a terminal there is a
table that changes; elsewhere a line for each trial that ends.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fitq.cli import INTERRUPTED
from fitq.sweeping import Standing, Sweeping, difference
from fitq.tables import ago, duration, print_json
from fitq_shared.errors import QueueUnreachable
from fitq_shared.metric_order import is_better
from fitq_shared.sweeps.address import label
from fitq_shared.texts import plain, printable

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.sweeps.record import SweepRecord, Trial

PERIOD_SECONDS = 1.0
SHOWN_TRIALS = 15
_COLOURS = {"completed": "green", "failed": "red", "running": "cyan", "stopped": "yellow"}
_COUNTED = ("completed", "stopped", "failed", "cancelled", "running", "queued")


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
        _say_if_nobody_is_there(client)
        return
    click.echo(f"sweep {sweep.id} ({sweep.name}): {_summary(sweep)}", err=True)
    _say_if_nobody_is_there(client)
    todo = f"`fitq sweep watch {sweep.name}`"
    try:
        standing = follow(client, sweep)
    except KeyboardInterrupt:
        click.echo(
            f"\nthe sweep goes on; return with {todo}, or stop it with "
            f"`fitq sweep cancel {sweep.name}`",
            err=True,
        )
        raise SystemExit(INTERRUPTED) from None
    except QueueUnreachable as error:
        raise QueueUnreachable(
            error.message, f"{error.hint}; the sweep goes on: return with {todo}"
        ) from error
    show_end(standing, as_json=as_json)


def follow(client: Queue, sweep: SweepRecord) -> Standing:
    """Show a sweep until it has ended, riding out outages of Redis of up to five minutes."""
    console = Console(stderr=True, highlight=False)
    patient = client.patient(lambda text: console.print(text, markup=False, soft_wrap=True))
    sweeping = Sweeping(patient)
    said: set[int] = set()
    live = Live(console=console, transient=True, auto_refresh=False)
    with live if console.is_terminal else _Quiet() as view:
        while True:
            standing = sweeping.standing(sweep.id)
            for trial in _news(standing, said):
                console.print(trial_line(standing, trial), markup=False, soft_wrap=True)
            view.update(board(standing), refresh=True)
            if standing.sweep.ended:
                return standing
            time.sleep(PERIOD_SECONDS)


def board(standing: Standing, most: int = SHOWN_TRIALS) -> Table:
    """The sweep as a table, its best trials first, then those that run."""
    sweep = standing.sweep
    paths = list(sweep.spec["space"])
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.title = f"{sweep.name}: {counts(standing)}"
    for name in ("trial", *(label(path, paths) for path in paths), sweep.spec["metric"]):
        table.add_column(name)
    for name in ("epochs", "state"):
        table.add_column(name)
    best = standing.best
    for trial in ranked(standing)[:most]:
        state = standing.state(trial)
        style = "bold" if best is not None and trial.number == best.number else ""
        cells = [
            f"{sweep.name}-{trial.number}",
            *(shown(trial.params.get(path)) for path in paths),
            _number(_value(standing, trial)),
            str(len(standing.curve(trial)) or ""),
        ]
        row = [Text(cell, style=style) for cell in cells]
        table.add_row(*row, Text(state, style=_COLOURS.get(state, "")))
    if len(standing.trials) > most:
        table.caption = f"and {len(standing.trials) - most} more: `fitq sweep show {sweep.name}`"
    return table


def ranked(standing: Standing) -> list[Trial]:
    """The trials, the completed ones first, and the best of each kind before the others."""
    order = ("completed", "running", "stopping", "stopped", "queued", "failed", "cancelled")
    sign = -1 if standing.sweep.goal == "max" else 1

    def key(trial: Trial) -> tuple[int, float, int]:
        state, value = standing.state(trial), _value(standing, trial)
        place = order.index(state) if state in order else order.index("queued")
        return place, math.inf if value is None else sign * value, trial.number

    return sorted(standing.trials, key=key)


def counts(standing: Standing) -> str:
    """How many of the trials are in which state, for example "7 completed, 2 running of 12"."""
    states = [standing.state(trial) for trial in standing.trials]
    parts = [f"{states.count(state)} {state}" for state in _COUNTED if state in states]
    return f"{', '.join(parts) or 'none begun'} of {standing.sweep.spec['trials']} trials"


def trial_line(standing: Standing, trial: Trial) -> str:
    """How a trial has ended, in one line."""
    sweep = standing.sweep
    paths = list(sweep.spec["space"])
    params = ", ".join(f"{label(p, paths)} {shown(v)}" for p, v in trial.params.items())
    value = "" if trial.value is None else f"  {sweep.spec['metric']} {trial.value:.4f}"
    best = standing.best
    mark = "  best so far" if best is not None and best.number == trial.number else ""
    why = f"  {trial.reason}" if trial.reason else ""
    return printable(f"{sweep.name}-{trial.number}  {trial.state}{value}  {params}{mark}{why}")


def show_end(standing: Standing, *, as_json: bool) -> None:
    """Show how a sweep has ended. Exits with 1 unless it has succeeded."""
    sweep = standing.sweep
    if as_json:
        print_json(sweep.public(standing.trials))
    else:
        colour = {"succeeded": "green", "cancelled": "yellow"}.get(sweep.state, "red")
        click.secho(f"{sweep.name} {sweep.state}: {counts(standing)}", fg=colour, bold=True)
        if sweep.reason:
            click.echo(f"  {plain(sweep.reason.message)}")
            click.echo(f"  try: {plain(sweep.reason.hint)}")
        if standing.best is not None:
            show_best(standing, standing.best)
    if sweep.state != "succeeded":
        raise SystemExit(1)


def show_best(standing: Standing, best: Trial) -> None:
    """Show the best trial: its value, in what it differs, and how to go on with it."""
    sweep = standing.sweep
    name = f"{sweep.name}-{best.number}"
    click.echo(f"best: {name}  {sweep.spec['metric']} {_number(best.value)}")
    for path, (before, value) in difference(sweep, best).items():
        was = "" if before is None else f"  (the sweep's training: {shown(before)})"
        click.echo(f"  {printable(path)} = {shown(value)}{was}")
    if sweep.outcome:
        click.echo(f"  {printable(sweep.outcome)}")
    if sweep.report:
        click.echo(f"report: fitq pull {sweep.name}-report")
    click.echo(f"next: fitq predict {name} --input FILE · fitq evaluate {name}")


def public(standing: Standing) -> dict[str, Any]:
    """The sweep as JSON, with what open trials do."""
    shown_ = standing.sweep.public(standing.trials)
    for trial, known in zip(standing.trials, shown_["trials"], strict=True):
        value = _value(standing, trial)
        known |= {"state": standing.state(trial), "value": value, "name": ""}
        known["name"] = f"{standing.sweep.name}-{trial.number}"
    return shown_


def took(sweep: SweepRecord) -> str:
    """How long a sweep has lasted, or when it was begun."""
    if sweep.finished is None:
        return ago(sweep.created)
    return duration(sweep.finished - sweep.created)


def shown(value: object) -> str:
    """A parameter's value as a person would write it."""
    if isinstance(value, list | tuple):
        return ",".join(map(shown, value))
    return f"{value:.6g}" if isinstance(value, float) else printable(str(value))


def _value(standing: Standing, trial: Trial) -> float | None:
    """A trial's value, or its best so far."""
    if trial.state != "open":
        return trial.value
    goal, found = standing.sweep.goal, None
    for value in standing.curve(trial):
        if math.isfinite(value) and (found is None or is_better(value, found, goal)):
            found = value
    return found


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _news(standing: Standing, said: set[int]) -> Iterator[Trial]:
    """The trials that have ended since they were last asked for, in that order."""
    ended = [t for t in standing.trials if t.state != "open" and t.number not in said]
    for trial in sorted(ended, key=lambda trial: trial.ended or 0.0):
        said.add(trial.number)
        yield trial


def _summary(sweep: SweepRecord) -> str:
    return printable(sweep.parsed().summary)


def _say_if_nobody_is_there(client: Queue) -> None:
    if not any(worker.takes_jobs for worker in client.workers()):
        click.echo(
            "waiting: no worker is there, and workers conduct sweeps; start one with "
            "`fitq-worker`, or a local stack with `fitq up`",
            err=True,
        )


class _Quiet:
    """In place of a table that changes, where there is no terminal."""

    def __enter__(self) -> _Quiet:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, table: Table, *, refresh: bool) -> None:
        """Show nothing."""


def rows(standing: Standing) -> tuple[Sequence[str], list[list[object]]]:
    """All trials as a table for a listing: its headers and its rows."""
    paths = list(standing.sweep.spec["space"])
    names = [label(path, paths) for path in paths]
    headers = ["trial", "job", *names, standing.sweep.spec["metric"], "epochs", "state", "why"]
    found: list[list[object]] = [
        [
            *(f"{standing.sweep.name}-{trial.number}", trial.job),
            *(shown(trial.params.get(path)) for path in paths),
            *(_number(_value(standing, trial)), len(standing.curve(trial)) or ""),
            *(standing.state(trial), trial.reason or trial.stop),
        ]
        for trial in ranked(standing)
    ]
    return headers, found
