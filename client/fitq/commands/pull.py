"""`fitq pull`."""

from __future__ import annotations

from pathlib import Path

import click

from fitq.commands._options import job


@click.command()
@job
@click.argument("target", type=click.Path(path_type=Path, file_okay=False), required=False)
def command(job: str, target: Path | None) -> None:
    """Copy a job's artifacts to the folder TARGET. Default: a folder of the job's name."""
    import hashlib

    from fitq.queue import Queue
    from fitq_shared.errors import InvalidInput, StoreError

    client = Queue()
    record = client.job(job)
    if record.state != "succeeded" or record.manifest is None:
        raise InvalidInput(
            f"{record.name} has published nothing: the job is {record.state}",
            f"see what there is with `fitq show {record.name}`",
        )
    folder = client.folder(record)
    target = target or Path(record.name)
    sums = folder.sums(record.manifest)
    for name, expected in sums.items():
        content = folder.read(name)
        if hashlib.sha256(content).hexdigest() != expected:
            raise StoreError(f"{folder.path}/{name} is damaged", "run the job again")
        if Path(name).is_absolute():
            raise StoreError(
                f"{name!r} in the manifest leaves the folder", "ask who runs the worker"
            )
        path = target / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise StoreError(
                f"cannot write {path}: {error.strerror}", "give another TARGET"
            ) from None
    click.echo(f"{len(sums)} files, each as published: {target}/")
