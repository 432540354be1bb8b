"""`fitq jobs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from fitq.commands._options import as_json

if TYPE_CHECKING:
    from fitq_shared.record import JobRecord


@click.command()
@click.option("--mine", is_flag=True, help="Only my own.")
@click.option("--owner", help="Only this owner's.")
@click.option("--tag", "tags", multiple=True, help="Only with this tag; several: with all.")
@click.option("--state", "states", multiple=True, help="Only in this state; several: in any.")
@click.option("--kind", help="Only this kind: train, evaluate, predict, export …")
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many."
)
@as_json
def command(
    mine: bool,
    owner: str | None,
    tags: tuple[str, ...],
    states: tuple[str, ...],
    kind: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List jobs, newest first."""
    from fitq.filters import check_filters
    from fitq.queue import Queue
    from fitq.tables import ago, headline, print_json, print_table, took

    check_filters(states, kind, "--")
    client = Queue()
    owner = client.settings.owner if mine else owner
    found = client.jobs(owner=owner, tags=tags, states=states, kind=kind, limit=limit + 1)
    if len(found) > limit:
        found = found[:limit]
        click.echo(f"only the newest {limit}; there are more: raise --limit", err=True)
    if as_json:
        print_json([record.public() for record in found])
        return
    if not found:
        if owner or tags or states or kind:
            click.echo("no such jobs; see all with `fitq jobs`", err=True)
        else:
            click.echo("no jobs; submit one with `fitq train`", err=True)
        return
    waiting = [record for record in found if record.state == "waiting"]
    names = {other.id: other.name for record in waiting for other in client.before(record)}
    print_table(
        ["id", "name", "kind", "what", "state", "result", "took", "created", "owner", "tags"],
        [
            [
                *(r.id, r.name, r.kind, r.summary, _state(r, names), headline(r.metrics)),
                *(took(r), ago(r.created), r.owner, ",".join(r.tags)),
            ]
            for r in found
        ],
        hide=["tags", "owner", "took", "kind", "created", "id"],
        fold={"what": 16, "state": 16, "result": 10, "tags": 10},
    )


def _state(record: JobRecord, names: Mapping[str, str]) -> str:
    """The state; of a waiting job also after which others."""
    if record.state != "waiting":
        return record.state
    return f"waiting: after {', '.join(names.get(job, job) for job in record.after)}"
