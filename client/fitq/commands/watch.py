"""`fitq watch`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json, job


@click.command()
@job
@as_json
def command(job: str, as_json: bool) -> None:
    """Follow a job live, from its beginning."""
    from fitq.outcome import follow_to_end, say_what_next, show_end
    from fitq.queue import Queue
    from fitq_shared.texts import printable

    client = Queue()
    record = client.job(job)
    if not record.ended:
        click.echo(f"job {record.id} ({record.name}): {printable(record.summary)}", err=True)
        record = follow_to_end(client, record)
    show_end(client, record, as_json=as_json)
    if not as_json:
        say_what_next(client, record)
