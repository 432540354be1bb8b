"""`fitq retry`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fitq.commands._options import as_json, find_each, jobs

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.record import JobRecord

_INSTEAD = {
    "waiting": "see what it waits for with `fitq show {name}`",
    "queued": "follow it with `fitq watch {name}`",
    "running": "follow it with `fitq watch {name}`, or first stop it with `fitq cancel {name}`",
    "succeeded": "see what it made with `fitq show {name}`; to have it made anew, submit it again",
}


@click.command()
@jobs
@click.option("--fresh", is_flag=True, help="From the start, not from the last checkpoint.")
@click.option("--no-wait", is_flag=True, help="Do not follow it.")
@as_json
def command(jobs: tuple[str, ...], fresh: bool, no_wait: bool, as_json: bool) -> None:
    """Run jobs again that have failed or were cancelled.

    A training goes on from its last checkpoint. One job is followed to its end.
    """
    from fitq.outcome import follow_to_end, say_if_nobody_is_there, show_end
    from fitq.queue import Queue
    from fitq.tables import print_json

    client = Queue()
    records = find_each(client, jobs)
    _refuse(records)
    begins = [_beginning(client, record, fresh) for record in records]
    queued = [client.retry(record, fresh=fresh) for record in records]
    if len(queued) == 1 and not no_wait:
        [record] = queued
        click.echo(
            f"job {record.id} ({record.name}), attempt {record.attempt}: {begins[0]}", err=True
        )
        show_end(client, follow_to_end(client, record), as_json=as_json)
        return
    if as_json:
        print_json([record.public() for record in queued])
        return
    for record, begin in zip(queued, begins, strict=True):
        # A worker may have it by now.
        state = "waiting" if record.state == "waiting" else "queued"
        click.echo(f"{record.id}  {record.name}  {state} as attempt {record.attempt}: {begin}")
        say_if_nobody_is_there(client, record)
    names = " ".join(record.name for record in queued)
    click.echo(f"wait for their end with `fitq wait {names}`", err=True)


def _refuse(records: list[JobRecord]) -> None:
    """Refuse all if one cannot be retried, and name each that cannot."""
    from fitq_shared.errors import InvalidInput

    wrong = [record for record in records if record.state in _INSTEAD]
    if wrong:
        raise InvalidInput(
            "\n".join(f"{record.name} cannot be retried: it is {record.state}" for record in wrong),
            "; ".join(_INSTEAD[record.state].format(name=record.name) for record in wrong),
        )


def _beginning(client: Queue, record: JobRecord, fresh: bool) -> str:
    """From where the job goes on; without the store it cannot be known for sure."""
    if fresh or record.kind != "train":
        return "from the start"
    if not client.artifacts.has_store:
        return "goes on from its last checkpoint, if it has one"
    if client.artifacts.has_checkpoint(record):
        return "goes on from its last checkpoint"
    return "from the start: it has no checkpoint"
