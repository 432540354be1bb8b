"""`fitq models register`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json


@click.command()
@click.argument("job")
@click.argument("name")
@as_json
def command(job: str, name: str, as_json: bool) -> None:
    """Make the model that JOB has trained the next version of the model NAME."""
    from fitq.commands.models._checks import check_names
    from fitq.model_references import find_model
    from fitq.queue import Queue
    from fitq.tables import print_json
    from fitq_shared.redis_link import reporting_unreachable

    check_names(NAME=name)
    client = Queue()
    record, _ = find_model(client, job)
    with reporting_unreachable(client.settings):
        version = client.registry.register(record, name, client.settings.owner)
    if as_json:
        print_json(version.model_dump(mode="json"))
        return
    click.echo(f"{record.name} is {version.label}")
    click.echo(f"next: fitq models promote {version.label} production", err=True)
