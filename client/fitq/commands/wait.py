"""`fitq wait`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json, find_each


@click.command()
@click.argument("jobs", nargs=-1, required=True)
@click.option("--timeout", type=click.FloatRange(min=0), help="Give up after so many seconds.")
@as_json
def command(jobs: tuple[str, ...], timeout: float | None, as_json: bool) -> None:
    """Wait until jobs have ended; succeeds when all of them have succeeded."""
    import time

    from fitq.cli import INTERRUPTED
    from fitq.queue import Queue
    from fitq.tables import print_json
    from fitq_shared.texts import printable

    client = Queue()
    records = find_each(client, jobs)
    end = None if timeout is None else time.monotonic() + timeout
    ended = []
    try:
        for record in records:
            left = None if end is None else max(0.0, end - time.monotonic())
            ended.append(client.wait(record, left))
    except KeyboardInterrupt:
        click.echo(f"\nthe jobs go on; return with `fitq wait {' '.join(jobs)}`", err=True)
        raise SystemExit(INTERRUPTED) from None
    if as_json:
        print_json([record.public() for record in ended])
    else:
        for record in ended:
            reason = f": {record.reason.message}" if record.reason else ""
            click.echo(f"{record.id}  {record.name}  {printable(record.state + reason)}")
    if any(not record.ended for record in ended):
        click.echo(f"not ended within {timeout:g} s; the jobs go on", err=True)
    if any(record.state != "succeeded" for record in ended):
        raise SystemExit(1)
