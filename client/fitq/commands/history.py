"""`fitq history`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json, job

# Not the first to go where a terminal is narrow.
_KEPT = ("epoch", "loss", "val_loss")


@click.command()
@job
@as_json
def command(job: str, as_json: bool) -> None:
    """Print the history of a training: one row per epoch."""
    from fitq.queue import Queue
    from fitq.tables import print_json, print_table

    client = Queue()
    record = client.job(job)
    rows = client.artifacts.history(record)
    if as_json:
        print_json(rows)
        return
    headers = list(rows[0])
    print_table(
        headers,
        [[_shown(name, row[name]) for name in headers] for row in rows],
        hide=[
            "seconds",
            "learning_rate",
            *reversed([name for name in headers if name not in _KEPT]),
        ],
    )
    click.echo(f"next: fitq pull {record.name}", err=True)


def _shown(name: str, value: float) -> str:
    from fitq.numbers import measure

    return f"{value:g}" if name in ("epoch", "learning_rate", "seconds") else measure(value)
