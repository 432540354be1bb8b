"""`fitq sweep cancel`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json
from fitq.commands.sweep._sweep import find


@click.command()
@click.argument("sweep")
@as_json
def command(sweep: str, as_json: bool) -> None:
    """Stop a sweep. Its running trials stop at their next batch; what was completed stays."""
    from fitq.queue import Queue
    from fitq.sweeping import Sweeping
    from fitq.tables import print_json

    sweeping = Sweeping(Queue())
    record = sweeping.cancel(find(sweeping, sweep))
    if as_json:
        print_json(record.public(sweeping.standing(record.id).trials))
        return
    click.echo(f"{record.id}  {record.name}  cancelled; its trials stop at their next batch")
    click.echo(f"let it go on with `fitq sweep resume {record.name}`", err=True)
