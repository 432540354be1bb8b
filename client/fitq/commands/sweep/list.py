"""`fitq sweep list`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json


@click.command()
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many."
)
@as_json
def command(limit: int, as_json: bool) -> None:
    """List the sweeps, newest first."""
    from fitq.queue import Queue
    from fitq.standings import number, took
    from fitq.sweeping import Sweeping
    from fitq.tables import print_json, print_table
    from fitq_shared.sweeps.record import best_trial

    found = Sweeping(Queue()).all(limit)
    if as_json:
        print_json([sweep.public(trials) for sweep, trials in found])
        return
    if not found:
        click.echo("no sweeps; begin one with `fitq sweep`", err=True)
        return
    rows = []
    for sweep, trials in found:
        best = best_trial(sweep.goal, trials)
        ended = sum(trial.state != "open" for trial in trials)
        value = (
            f"{sweep.spec['metric']} {number(best.value)}"
            if best and best.value is not None
            else ""
        )
        rows.append(
            [
                *(sweep.id, sweep.name, sweep.state, f"{ended}/{sweep.spec['trials']}", value),
                *(f"{sweep.name}-{best.number}" if best else "", took(sweep), sweep.owner),
            ]
        )
    print_table(
        ["id", "name", "state", "trials", "best", "by", "took", "owner"],
        rows,
        hide=["owner", "took", "id"],
    )
    click.echo(f"next: fitq sweep show {found[0][0].name}", err=True)
