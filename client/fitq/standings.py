"""How a sweep stands, in words and tables: for its live view, its end, and listings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from fitq.numbers import measure
from fitq.sweeping import Standing, difference
from fitq.tables import ago, duration, print_json
from fitq_shared.errors import InvalidInput
from fitq_shared.metric_order import is_better
from fitq_shared.sweeps.address import label
from fitq_shared.texts import plain, printable

if TYPE_CHECKING:
    from fitq_shared.sweeps.record import SweepRecord, Trial

_WITHOUT_VALUE = ("diverged", "failed", "cancelled")
_COUNTED = ("completed", "stopped", *_WITHOUT_VALUE, "running", "stopping", "ending", "queued")


def ranked(standing: Standing) -> list[Trial]:
    """The trials, the completed ones first, and the best of each kind before the others."""
    order = ("completed", "ending", "running", "stopping", "stopped", "queued", *_WITHOUT_VALUE)
    sign = -1 if standing.sweep.goal == "max" else 1

    def key(trial: Trial) -> tuple[int, float, int]:
        state, value = standing.state(trial), value_of(standing, trial)
        place = order.index(state) if state in order else order.index("queued")
        return place, math.inf if value is None else sign * value, trial.number

    return sorted(standing.trials, key=key)


def counts(standing: Standing) -> str:
    """How many of the trials are in which state: "7 completed, 2 running of 12 trials".

    When only the report is left, also what that does.
    """
    sweep = standing.sweep
    states = [standing.state(trial) for trial in standing.trials]
    parts = [f"{states.count(state)} {state}" for state in _COUNTED if state in states]
    report = standing.jobs.get(sweep.report)
    left = f"; its report is {report.state}" if report and not sweep.ended else ""
    count = sweep.spec["trials"]
    plural = "" if count == 1 else "s"
    return f"{', '.join(parts) or 'none begun'} of {count} trial{plural}{left}"


def best_of(standing: Standing) -> Trial:
    """The best completed trial.

    Raises:
        InvalidInput: none was completed; says what the trials do.
    """
    sweep = standing.sweep
    if standing.best is None:
        raise InvalidInput(
            f"{sweep.name} has no best trial: none was completed ({counts(standing)})",
            f"see `fitq sweep show {sweep.name}`"
            if sweep.ended
            else f"wait for one: `fitq sweep watch {sweep.name}`",
        )
    return standing.best


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
    click.echo(f"best: {name}  {sweep.spec['metric']} {number(best.value)}")
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
    shown_ = {**standing.sweep.public(standing.trials), "waits": standing.waits}
    for trial, known in zip(standing.trials, shown_["trials"], strict=True):
        known |= {
            "state": standing.state(trial),
            "value": value_of(standing, trial),
            "name": f"{standing.sweep.name}-{trial.number}",
        }
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


def value_of(standing: Standing, trial: Trial) -> float | None:
    """A trial's value, or its best so far."""
    if trial.state != "open":
        return trial.value
    goal, found = standing.sweep.goal, None
    for value in standing.curve(trial):
        if math.isfinite(value) and (found is None or is_better(value, found, goal)):
            found = value
    return found


def number(value: float | None) -> str:
    """A value of a metric, if there is one."""
    return "" if value is None else measure(value)


def hidden_first(sweep: SweepRecord) -> list[str]:
    """The columns that a narrow terminal does without: the last parameters before the first."""
    paths = list(sweep.spec["space"])
    return ["job", "epochs", "why", *reversed([label(path, paths) for path in paths])]


def rows(standing: Standing) -> tuple[Sequence[str], list[list[object]]]:
    """All trials as a table for a listing: its headers and its rows."""
    paths = list(standing.sweep.spec["space"])
    names = [label(path, paths) for path in paths]
    headers = ["trial", "job", *names, standing.sweep.spec["metric"], "epochs", "state", "why"]
    found: list[list[object]] = [
        [
            *(f"{standing.sweep.name}-{trial.number}", trial.job),
            *(shown(trial.params.get(path)) for path in paths),
            *(number(value_of(standing, trial)), len(standing.curve(trial)) or ""),
            *(standing.state(trial), trial.reason or trial.stop),
        ]
        for trial in ranked(standing)
    ]
    return headers, found
