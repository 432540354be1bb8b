"""`fitq sweep resume`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json
from fitq.commands.sweep._sweep import find


@click.command()
@click.argument("sweep")
@click.option("--no-wait", is_flag=True, help="Do not follow it.")
@as_json
def command(sweep: str, no_wait: bool, as_json: bool) -> None:
    """Let a sweep go on that has ended, with the trials that are missing or have failed.

    Those that have failed or were cancelled go on from their last checkpoints.
    """
    from fitq.leaderboard import follow_or_return
    from fitq.queue import Queue
    from fitq.sweeping import Sweeping

    client = Queue()
    sweeping = Sweeping(client)
    record = sweeping.resume(find(sweeping, sweep))
    follow_or_return(client, record, wait=not no_wait, as_json=as_json)
