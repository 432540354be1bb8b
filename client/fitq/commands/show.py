"""`fitq show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fitq.commands._options import as_json, job

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.record import JobRecord


@click.command()
@job
@as_json
def command(job: str, as_json: bool) -> None:
    """Show one job, by name, id, or the beginning of an id."""
    from fitq.queue import Queue
    from fitq.tables import print_json

    client = Queue()
    record = client.job(job)
    if as_json:
        folder = client.artifacts.folder(record) if client.artifacts.has_store else None
        location = {"artifacts": folder.location, "files": folder.files()} if folder else {}
        print_json({**record.public(), **location})
        return
    _print(client, record)


def _print(client: Queue, record: JobRecord) -> None:
    from fitq.model_references import versions_of
    from fitq.tables import ago, print_metrics, took
    from fitq_shared.durations import exactly
    from fitq_shared.texts import plain, printable

    click.secho(f"{record.name}  {printable(record.state)}", bold=True)
    facts = {
        "id": record.id,
        "kind": record.kind,
        "what": record.summary,
        "owner": record.owner,
        "tags": ", ".join(record.tags),
        "created": ago(record.created),
        "took": took(record),
        "timeout": exactly(record.timeout) if record.timeout else "",
        "attempt": _attempts(record),
        "needs": str(record.needs),
        "priority": record.priority,
        "due": _due(record),
        "after": ", ".join(r.name for r in client.before(record)),
        "waits": _waits(client, record),
        "model": ", ".join(versions_of(client, record)),
        "worker": f"{record.worker}, {record.device_name}" if record.worker else "",
    }
    for name, value in facts.items():
        if value:
            click.echo(f"  {name:<8} {printable(value)}")
    if record.reason:
        click.secho("reason", bold=True)
        click.echo(f"  {plain(record.reason.message)}")
        if record.reason.hint:
            click.echo(f"  try: {plain(record.reason.hint)}")
    if record.metrics:
        click.secho("metrics", bold=True)
        print_metrics(record.metrics)
    _print_spec(record)
    if client.artifacts.has_store:
        folder = client.artifacts.folder(record)
        click.secho("artifacts", bold=True)
        click.echo(f"  {folder.location}")
        for name in folder.files():
            click.echo(f"    {printable(name)}")


def _attempts(record: JobRecord) -> str:
    parts = [str(record.attempt)]
    if record.first_attempt > 1:
        parts.append(f"from the start since attempt {record.first_attempt}")
    for count, one, many in (
        (record.losses, "lost worker", "lost workers"),
        (record.faults, "fault of the infrastructure", "faults of the infrastructure"),
    ):
        if count:
            parts.append(f"{count} {one if count == 1 else many}")
    return ", ".join(parts)


def _waits(client: Queue, record: JobRecord) -> str:
    """Where a queued job stands, or that nobody is there to run it."""
    from fitq.waiting import after_whom, nobody, where_it_stands

    if record.state == "waiting":
        return after_whom(client.before(record)).removeprefix("waiting: ")
    if record.state != "queued":
        return ""
    workers = client.workers()
    place = client.place(record)
    text = nobody(record, workers) or (where_it_stands(record, place, workers) if place else "")
    return text.removeprefix("waiting: ")


def _due(record: JobRecord) -> str:
    import time

    if record.due is None:
        return ""
    return f"tried again at {time.strftime('%H:%M:%S', time.localtime(record.due))}"


def _print_spec(record: JobRecord) -> None:
    import json

    from fitq_shared.texts import printable

    click.secho("spec", bold=True)
    for name, value in record.spec.items():
        if name not in ("name", "owner", "tags", "kind"):
            text = value if isinstance(value, str) else json.dumps(value)
            click.echo(f"  {printable(name):<16} {printable(text)}")
