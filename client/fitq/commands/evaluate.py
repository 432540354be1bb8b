"""`fitq evaluate`."""

from __future__ import annotations

from typing import Any

import click

from fitq.commands._options import VALUE, chosen_before, submission
from fitq.commands._submitting import submit


@click.command()
@click.argument("model")
@click.option("--dataset", help="Default: the one that the model was trained on.")
@click.option("--split", help="train, validation or test. Default: test, or else validation.")
@click.option("--batch-size", type=VALUE, help="Default: 128.")
@submission
def command(
    model: str, dataset: str | None, no_wait: bool, dry_run: bool, as_json: bool, **flags: Any
) -> None:
    """Evaluate a trained MODEL: a job's name or id, NAME@3, NAME@ALIAS or NAME."""
    from fitq.data.references import named
    from fitq.model_references import find_model_after
    from fitq.queue import Queue

    client = Queue()
    trained, reference = find_model_after(client, model, chosen_before())
    values = {
        "kind": "evaluate",
        "model": reference.model_dump(),
        "dataset": dataset or trained.spec["dataset"],
        **flags,
    }
    record = submit(client, values, no_wait=no_wait, dry_run=dry_run, as_json=as_json)
    if record and not as_json:
        click.echo(f"next: fitq predict {reference.name} --dataset {named(record)}")
