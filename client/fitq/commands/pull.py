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
    from fitq.pulling import counted
    from fitq.queue import Queue

    client = Queue()
    record = client.job(job)
    target = target or Path(record.name)
    copied = client.artifacts.pull(record, target)
    click.echo(f"{counted(len(copied))}, each as published: {target}/")
