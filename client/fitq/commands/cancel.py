"""`fitq cancel`."""

from __future__ import annotations

import click


@click.command()
@click.argument("jobs", nargs=-1, required=True)
def command(jobs: tuple[str, ...]) -> None:
    """Cancel jobs. A running one stops at its next batch."""
    from fitq.client import Client

    client = Client()
    records = [client.job(job) for job in jobs]
    too_late = False
    for record in records:
        outcome = client.cancel(record)
        if outcome == "stopping":
            outcome = client.wait(record, timeout=10).state
            too_late = too_late or outcome in ("succeeded", "failed")
            outcome = "stopping at its next batch" if outcome == "running" else outcome
        elif outcome != "cancelled":
            too_late = True
            outcome = f"had already ended: {outcome}"
        click.echo(f"{record.id}  {record.name}  {outcome}")
    if too_late:
        raise SystemExit(1)
