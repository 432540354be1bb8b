"""`fitq show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fitq.commands._options import as_json, job

if TYPE_CHECKING:
    from fitq.client import Client
    from fitq_shared.record import JobRecord


@click.command()
@job
@as_json
def command(job: str, as_json: bool) -> None:
    """Show one job, by name, id, or the beginning of an id."""
    from fitq.client import Client
    from fitq.tables import print_json

    client = Client()
    record = client.job(job)
    if as_json:
        folder = client.folder(record) if client.has_store else None
        location = {"artifacts": folder.location, "files": folder.files()} if folder else {}
        print_json({**record.public(), **location})
        return
    _print(client, record)


def _print(client: Client, record: JobRecord) -> None:
    from fitq.tables import ago, print_metrics, took

    click.secho(f"{record.name}  {record.state}", bold=True)
    facts = {
        "id": record.id,
        "kind": record.kind,
        "what": record.summary,
        "owner": record.owner,
        "tags": ", ".join(record.tags),
        "created": ago(record.created),
        "took": took(record),
        "attempt": str(record.attempt),
        "worker": f"{record.worker}, {record.device_name}" if record.worker else "",
    }
    for name, value in facts.items():
        if value:
            click.echo(f"  {name:<8} {value}")
    if record.reason:
        click.secho("reason", bold=True)
        click.echo(f"  {record.reason.message}")
        if record.reason.hint:
            click.echo(f"  try: {record.reason.hint}")
    if record.metrics:
        click.secho("metrics", bold=True)
        print_metrics(record.metrics)
    _print_spec(record)
    if client.has_store:
        folder = client.folder(record)
        click.secho("artifacts", bold=True)
        click.echo(f"  {folder.location}")
        for name in folder.files():
            click.echo(f"    {name}")


def _print_spec(record: JobRecord) -> None:
    import json

    click.secho("spec", bold=True)
    for name, value in record.spec.items():
        if name not in ("name", "owner", "tags", "kind"):
            click.echo(f"  {name:<16} {value if isinstance(value, str) else json.dumps(value)}")
