"""`fitq sweep show`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json
from fitq.commands.sweep._sweep import find, sweep


@click.command()
@sweep
@as_json
def command(sweep: str | None, as_json: bool) -> None:
    """Show a sweep and all its trials, the best first. Default: the newest sweep."""
    from fitq.queue import Queue
    from fitq.standings import counts, hidden_first, public, rows
    from fitq.sweeping import Sweeping
    from fitq.tables import print_json, print_table
    from fitq_shared.texts import plain, printable

    sweeping = Sweeping(Queue())
    standing = sweeping.standing(find(sweeping, sweep).id)
    record = standing.sweep
    if as_json:
        print_json(public(standing))
        return
    click.secho(f"{record.name}  {record.state}", bold=True)
    click.echo(f"  id       {record.id}")
    click.echo(f"  what     {printable(record.parsed().summary)}")
    click.echo(f"  seed     {record.spec['seed']}")
    click.echo(f"  trials   {counts(standing)}")
    click.echo(f"  jobs     fitq jobs --tag {record.tag}")
    if standing.waits:
        click.echo(f"  waits    {printable(standing.waits.removeprefix('waiting: '))}")
    if record.outcome:
        click.echo(f"  outcome  {printable(record.outcome)}")
    if record.reason:
        click.echo(f"  reason   {plain(record.reason.message)}")
        click.echo(f"  try      {plain(record.reason.hint)}")
    headers, found = rows(standing)
    if found:
        print_table(headers, found, hide=hidden_first(record), fold={"why": 16})
    if not record.ended:
        click.echo(f"next: fitq sweep watch {record.name}", err=True)
    elif standing.best is not None:
        click.echo(f"next: fitq sweep best {record.name}", err=True)
