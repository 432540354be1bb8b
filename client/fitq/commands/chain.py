"""`fitq chain`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fitq.commands._options import as_json

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.record import JobRecord


@click.command()
@click.option(
    "-f", "--file", type=click.Path(path_type=Path), required=True, help="The links, in TOML."
)
@click.option("--no-wait", is_flag=True, help="Return the jobs' ids at once.")
@click.option("--dry-run", is_flag=True, help="Print the complete specs, submit nothing.")
@as_json
def command(file: Path, no_wait: bool, dry_run: bool, as_json: bool) -> None:
    """Submit several jobs of which some come after others: train, evaluate, promote, predict.

    A link that fails stops those behind it; `fitq retry` of it goes on from there.
    """
    from fitq.chains import read_chain
    from fitq.drafts import read_toml
    from fitq.queue import Queue
    from fitq.tables import print_json
    from fitq.uploads import upload_all

    client = Queue()
    with ExitStack() as until_sent:
        chain = read_chain(read_toml(file), client.settings, file.parent, client, until_sent)
        if dry_run:
            print_json(
                [
                    {"id": job.id, "after": job.after, "spec": job.spec.model_dump(mode="json")}
                    for job in chain.jobs
                ]
            )
            return
        upload_all(client, chain.uploads)
    records = client.submit_all(chain.jobs)
    if not no_wait:
        records = _follow(client, records)
    if as_json:
        print_json([record.public() for record in records])
    elif no_wait:
        _print(client, records)
    if not no_wait and any(record.state != "succeeded" for record in records):
        raise SystemExit(1)


def _print(client: Queue, records: list[JobRecord]) -> None:
    from fitq.outcome import say_if_nobody_is_there
    from fitq_shared.texts import printable

    names = {record.id: record.name for record in records}
    for record in records:
        after = f", after {', '.join(names[job] for job in record.after)}" if record.after else ""
        state = "waiting" if record.after else "queued"
        what = printable(f"{state}{after}: {record.summary}")
        click.echo(f"{record.id}  {record.name}  {what}")
        if record.state == "queued":
            say_if_nobody_is_there(client, record)
    click.echo(f"wait for their end with `fitq wait {' '.join(names.values())}`", err=True)


def _follow(client: Queue, records: list[JobRecord]) -> list[JobRecord]:
    """Follow one after the other to its end, and say how each ended."""
    from fitq.cli import INTERRUPTED
    from fitq.live import follow
    from fitq.tables import headline
    from fitq_shared.texts import plain, printable

    ended = []
    try:
        for record in records:
            click.echo(f"job {record.id} ({record.name}): {printable(record.summary)}", err=True)
            end = follow(client, record)
            ended.append(end)
            if end.summary != record.summary:
                click.echo(f"used: {printable(end.summary)}", err=True)
            said = plain(end.reason.message) if end.reason else headline(end.metrics)
            click.echo(f"{end.name} {end.state}{': ' if said else ''}{said}", err=True)
    except KeyboardInterrupt:
        names = " ".join(record.name for record in records)
        click.echo(f"\nthe chain goes on; return with `fitq wait {names}`", err=True)
        raise SystemExit(INTERRUPTED) from None
    _say_what_next(ended)
    return ended


def _say_what_next(ended: list[JobRecord]) -> None:
    own = [
        r for r in ended if r.state != "succeeded" and (not r.reason or r.reason.kind != "after")
    ]
    for record in own:
        click.echo(f"  log: `fitq logs {record.name}`", err=True)
        click.echo(f"  go on from there with `fitq retry {record.name}`", err=True)
    if not own and ended:
        click.echo(f"next: fitq show {ended[-1].name} · fitq pull {ended[-1].name}", err=True)
