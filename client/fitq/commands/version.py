"""`fitq version`."""

from __future__ import annotations

import platform

import click

from fitq import __version__
from fitq.commands._options import as_json


@click.command()
@as_json
def command(as_json: bool) -> None:
    """Print the versions of fitq, of the job specs, and of what they stand on."""
    from importlib import metadata

    from fitq.tables import print_json
    from fitq_shared.schema import SCHEMA_VERSION

    versions = {
        "fitq": __version__,
        "job schema": str(SCHEMA_VERSION),
        "python": platform.python_version(),
        "celery": metadata.version("celery"),
        "redis client": metadata.version("redis"),
    }
    if as_json:
        print_json(versions)
        return
    for name, version in versions.items():
        click.echo(f"{name:<13} {version}")
