"""`fitq rm`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json, confirm, find_each, jobs, yes


@click.command()
@jobs
@yes
@as_json
def command(jobs: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Remove ended jobs for good: their records, and all their files in the store."""
    from fitq.housekeeping import Housekeeping
    from fitq.queue import Queue
    from fitq.tables import print_json

    client = Queue()
    records = find_each(client, jobs)
    housekeeping = Housekeeping(client)
    housekeeping.check_removable(records)
    names = ", ".join(record.name for record in records)
    confirm(f"Remove {names}, with all files?", yes=yes, otherwise="nothing was removed")
    for record in records:
        housekeeping.remove(record)
        if not as_json:
            click.echo(f"{record.id}  {record.name}  removed")
    if as_json:
        print_json([{"id": record.id, "name": record.name} for record in records])
