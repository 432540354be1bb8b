"""`fitq pull`."""

from __future__ import annotations

from pathlib import Path

import click

from fitq.commands._options import job


@click.command()
@job
@click.argument("target", type=click.Path(path_type=Path, file_okay=False), required=False)
def command(job: str, target: Path | None) -> None:
    """Copy a job's artifacts to the folder TARGET. Default: a folder of the job's name.

    JOB may be a model too: NAME@3, NAME@ALIAS.
    """
    from fitq.pulling import counted, pull
    from fitq.queue import Queue
    from fitq_shared.errors import InvalidInput

    client = Queue()
    record = client.job(job)
    if record.state != "succeeded" or record.manifest is None:
        raise InvalidInput(
            f"{record.name} has published nothing: the job is {record.state}",
            f"see what there is with `fitq show {record.name}`",
        )
    target = target or Path(record.name)
    copied = pull(client.folder(record), record.manifest, target)
    click.echo(f"{counted(len(copied))}, each as published: {target}/")
