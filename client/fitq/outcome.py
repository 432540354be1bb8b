"""What every submitting command does with its job: follow it, and show how it ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from fitq.cli import INTERRUPTED
from fitq.commands._options import chosen_before, find_each
from fitq.model_references import versions_of
from fitq.queue import Queue
from fitq.tables import print_json, print_metrics
from fitq.waiting import after_whom
from fitq_shared.errors import QueueUnreachable
from fitq_shared.record import JobRecord
from fitq_shared.specs.base import JobSpec
from fitq_shared.texts import plain, printable

if TYPE_CHECKING:
    from fitq_shared.sweeps.record import SweepRecord


def submit_and_follow(
    client: Queue, spec: JobSpec, *, wait: bool, as_json: bool
) -> JobRecord | None:
    """Submit a job and, unless told not to, follow it to its end.

    Returns:
        The record of the job if it has succeeded, else None. Exits with 1 when it has failed
        or was cancelled, with 130 when the user stopped following.
    """
    record = client.submit(spec, find_each(client, chosen_before()))
    if not wait:
        if as_json:
            print_json(record.public())
        else:
            click.echo(f"{record.id}  {record.name}  {record.state}: {record.summary}")
            click.echo(f"follow it with `fitq watch {record.name}`", err=True)
            if record.state == "waiting":
                click.echo(after_whom(client.before(record)), err=True)
            say_if_nobody_is_there(client, record)
        return None
    click.echo(f"job {record.id} ({record.name}): {printable(record.summary)}", err=True)
    end = follow_to_end(client, record)
    if end.summary != record.summary:
        click.echo(f"used: {printable(end.summary)}", err=True)
    return show_end(client, end, as_json=as_json)


def say_if_nobody_is_there(client: Queue, record: JobRecord) -> None:
    """Say that no worker that is there can run a job that was just queued."""
    from fitq.waiting import nobody

    if text := nobody(record, client.workers()):
        click.echo(text, err=True)


def follow_to_end(client: Queue, record: JobRecord) -> JobRecord:
    """Follow a job. On Ctrl-C the job goes on, and the user is told how to return."""
    with saying_how_to_return(record):
        from fitq.live import follow

        return follow(client, record)


@contextlib.contextmanager
def saying_how_to_return(
    record: JobRecord | SweepRecord, what: str = "job", command: str = "fitq"
) -> Iterator[None]:
    """When following ends before the job does, say that the job goes on, and how to return.

    Args:
        what: is followed, and `command` what has `watch` and `cancel` for it.
    """
    todo = f"`{command} watch {record.name}`"
    try:
        yield
    except KeyboardInterrupt:
        click.echo(
            f"\nthe {what} goes on; return with {todo}, or stop it with "
            f"`{command} cancel {record.name}`",
            err=True,
        )
        raise SystemExit(INTERRUPTED) from None
    except QueueUnreachable as error:
        raise QueueUnreachable(
            error.message, f"{error.hint}; the {what} goes on: return with {todo}"
        ) from error


def say_what_next(client: Queue, record: JobRecord) -> None:
    """What to do with what a job has made; of a training also as which model it was registered."""
    if record.kind != "train":
        click.echo(f"next: fitq show {record.name}")
        return
    labels = versions_of(client, record) if record.spec.get("model_name") else []
    if labels:
        click.echo(f"registered as {labels[0]}")
    name = labels[0] if labels else record.name
    click.echo(f"next: fitq evaluate {name} · fitq history {record.name}")


def show_end(client: Queue, record: JobRecord, *, as_json: bool) -> JobRecord | None:
    """Show how a job has ended."""
    if as_json:
        print_json(record.public())
    elif record.state == "succeeded":
        click.secho(f"{record.name} succeeded", fg="green", bold=True)
        print_metrics(record.metrics or {})
        if client.artifacts.has_store:
            click.echo(f"artifacts: {client.artifacts.folder(record).location}")
    if record.state == "succeeded":
        return record
    if record.state == "cancelled":
        why = f": {plain(record.reason.message)}" if record.reason else ""
        click.secho(f"{record.name} was cancelled{why}", fg="yellow", err=True)
    elif record.reason:
        click.secho(f"{record.name} failed: ", fg="red", bold=True, nl=False, err=True)
        click.echo(plain(record.reason.message), err=True)
        if record.reason.hint:
            click.echo(f"  try: {plain(record.reason.hint)}", err=True)
        click.echo(f"  log: `fitq logs {record.name}`", err=True)
    raise SystemExit(1)
