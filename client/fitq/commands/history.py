"""`fitq history`."""

from __future__ import annotations

from typing import Any

import click

from fitq.commands._options import as_json, job


@click.command()
@job
@as_json
def command(job: str, as_json: bool) -> None:
    """Print the history of a training: one row per epoch."""
    from fitq.queue import Queue
    from fitq.tables import print_json, print_table
    from fitq_shared.attempt_folder import AttemptFolder
    from fitq_shared.errors import InvalidInput

    client = Queue()
    record = client.job(job)
    folder = client.folder(record)
    if not folder.exists(AttemptFolder.history_json):
        raise InvalidInput(
            f"{record.name} has no history: it is a {record.kind} job, {record.state}",
            "only trainings have one, after their first epoch",
        )
    rows: Any = folder.read_json(AttemptFolder.history_json)
    if as_json:
        print_json(rows)
        return
    headers = list(rows[0])
    print_table(headers, [[_shown(name, row[name]) for name in headers] for row in rows])


def _shown(name: str, value: float) -> str:
    return f"{value:g}" if name in ("epoch", "learning_rate", "seconds") else f"{value:.4f}"
