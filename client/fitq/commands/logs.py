"""`fitq logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fitq.commands._options import job

if TYPE_CHECKING:
    from fitq.client import Client
    from fitq_shared.record import JobRecord


@click.command()
@job
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
def command(job: str, follow: bool) -> None:
    """Print the log of a job's newest attempt."""
    from fitq.client import Client
    from fitq.outcome import saying_how_to_return

    client = Client()
    record = client.job(job)
    with saying_how_to_return(record):
        _print(client, record, follow)


def _print(client: Client, record: JobRecord, follow: bool) -> None:
    import threading

    from fitq_shared.attempt_folder import AttemptFolder
    from fitq_shared.errors import StoreError

    shown = 0
    pause = threading.Event()
    while True:
        folder = client.folder(record)
        if folder.exists(AttemptFolder.log):
            text = folder.read(AttemptFolder.log)
            click.echo(text[shown:].decode(errors="replace"), nl=False)
            shown = len(text)
        elif not follow or record.ended:
            raise StoreError(
                f"{record.name} has no log: the job is {record.state}",
                f"follow it with `fitq watch {record.name}`",
            )
        if not follow or record.ended:
            return
        pause.wait(0.5)
        attempt, record = record.attempt, client.job(record.id)
        if record.attempt != attempt:
            shown = 0
