"""`fitq sweep rm`."""

from __future__ import annotations

import click

from fitq.commands._options import confirm, yes
from fitq.commands.sweep._sweep import find


@click.command()
@click.argument("sweep")
@yes
def command(sweep: str, yes: bool) -> None:
    """Forget a sweep that has ended. The jobs of its trials, with their models, stay."""
    from fitq.queue import Queue
    from fitq.sweeping import Sweeping

    sweeping = Sweeping(Queue())
    record = find(sweeping, sweep)
    confirm(f"Forget the sweep {record.name}?", yes=yes, otherwise="nothing was removed")
    sweeping.remove(record)
    click.echo(f"{record.id}  {record.name}  forgotten")
    click.echo(f"its jobs are still there: `fitq jobs --tag {record.tag}`", err=True)
