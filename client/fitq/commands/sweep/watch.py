"""`fitq sweep watch`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json
from fitq.commands.sweep._sweep import find, sweep


@click.command()
@sweep
@as_json
def command(sweep: str | None, as_json: bool) -> None:
    """Follow a sweep live, to its end. Default: the newest sweep."""
    from fitq.leaderboard import follow_or_return
    from fitq.queue import Queue
    from fitq.sweeping import Sweeping

    client = Queue()
    record = find(Sweeping(client), sweep)
    follow_or_return(client, record, wait=True, as_json=as_json)
