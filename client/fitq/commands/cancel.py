"""`fitq cancel`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fitq.commands._options import as_json, confirm, find_each, yes

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.record import JobRecord

# For how long to wait for the end of running jobs: most end at their next batch.
WAIT_SECONDS = 10.0
_OPEN = ("waiting", "queued", "running")
_STOPPING = "stopping: at its next batch; if it is stuck, its worker ends it within seconds"


@click.command()
@click.argument("jobs", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All jobs that match the options below.")
@click.option("--state", "states", multiple=True, help="waiting, queued or running. Default: all.")
@click.option("--mine", is_flag=True, help="Only my own.")
@click.option("--owner", help="Only this owner's.")
@click.option("--tag", "tags", multiple=True, help="Only with this tag; several: with all.")
@click.option("--kind", help="Only train, evaluate, predict or describe.")
@yes
@as_json
def command(
    jobs: tuple[str, ...],
    every: bool,
    states: tuple[str, ...],
    mine: bool,
    owner: str | None,
    tags: tuple[str, ...],
    kind: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Cancel jobs. A running one stops at its next batch.

    \b
    fitq cancel brave-otter
    fitq cancel --all --mine --state queued
    """
    from fitq.filters import check_filters
    from fitq.queue import Queue
    from fitq.tables import print_json
    from fitq_shared.errors import InvalidInput

    if every == bool(jobs):
        raise InvalidInput("give either jobs or --all to cancel", "see `fitq jobs`")
    if not every and (states or mine or owner is not None or tags or kind is not None):
        raise InvalidInput(
            "--state, --mine, --owner, --tag and --kind choose among all jobs", "add --all"
        )
    check_filters(states, kind, "--", _OPEN)
    client = Queue()
    if every:
        owner = client.settings.owner if mine else owner
        records = client.jobs(owner=owner, tags=tags, states=states or _OPEN, kind=kind)
        if records and owner is None and not tags:
            question = f"Cancel {_count(records)}, whoever submitted them?"
            confirm(question, yes=yes, otherwise="nothing was cancelled")
    else:
        records = find_each(client, jobs)
    outcomes = _cancel(client, records)
    if as_json:
        print_json([{"id": r.id, "name": r.name, "outcome": o} for r, o in outcomes])
    else:
        _print(outcomes, summary=every)
        _say_which_sweeps_go_on(client, records)
    if any(outcome not in ("cancelled", _STOPPING) for _, outcome in outcomes):
        raise SystemExit(1)


def _cancel(client: Queue, records: list[JobRecord]) -> list[tuple[JobRecord, str]]:
    """Cancel all, then wait for those that run, together: each with what became of it."""
    import time

    answers = [client.cancel(record) for record in records]
    end = time.monotonic() + WAIT_SECONDS
    outcomes = []
    for record, answer in zip(records, answers, strict=True):
        if answer == "cancelled":
            outcome = answer
        elif answer == "stopping":
            left = end - time.monotonic()
            state = (client.wait(record, left) if left > 0 else client.job(record.id)).state
            outcome = f"had ended before it could stop: {state}"
            outcome = {"cancelled": state, "running": _STOPPING, "queued": _STOPPING}.get(
                state, outcome
            )
        else:
            outcome = f"had already ended: {answer}"
        outcomes.append((record, outcome))
    return outcomes


def _print(outcomes: list[tuple[JobRecord, str]], *, summary: bool) -> None:
    for record, outcome in outcomes:
        if not summary or outcome != "cancelled":
            click.echo(f"{record.id}  {record.name}  {outcome}")
    if summary:
        done = [record for record, outcome in outcomes if outcome == "cancelled"]
        left = len(outcomes) - len(done)
        rest = f"; {left} not yet, or not any more: see above" if left else ""
        click.echo(f"cancelled {_count(done)}{rest}" if outcomes else "no jobs to cancel")


def _say_which_sweeps_go_on(client: Queue, records: list[JobRecord]) -> None:
    """Those would begin other trials in the place of the cancelled."""
    from fitq.sweeping import Sweeping

    for sweep in Sweeping(client).going_on(records):
        todo = f"stop it with `fitq sweep cancel {sweep.name}`"
        click.echo(f"the sweep {sweep.name} goes on with its other trials; {todo}", err=True)


def _count(records: list[JobRecord]) -> str:
    return f"{len(records)} job{'' if len(records) == 1 else 's'}"
