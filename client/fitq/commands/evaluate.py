"""`fitq evaluate`."""

from __future__ import annotations

from typing import Any

import click

from fitq.commands._options import VALUE, chosen_before, submission
from fitq.drafts import complete
from fitq.model_references import find_model_after


@click.command()
@click.argument("model")
@click.option("--dataset", help="Default: the one that the model was trained on.")
@click.option("--split", help="train, validation or test. Default: test.")
@click.option("--batch-size", type=VALUE, help="Default: 128.")
@submission
def command(
    model: str, dataset: str | None, no_wait: bool, dry_run: bool, as_json: bool, **flags: Any
) -> None:
    """Evaluate a trained MODEL: a job's name or id, NAME@3, NAME@ALIAS or NAME."""
    from fitq.data.references import named
    from fitq.outcome import submit_and_follow
    from fitq.queue import Queue
    from fitq.tables import print_json

    client = Queue()
    trained, reference = find_model_after(client, model, chosen_before())
    values = {
        "kind": "evaluate",
        "model": reference.model_dump(),
        "dataset": dataset or trained.spec["dataset"],
        **flags,
    }
    spec = complete(values, client.settings)
    if dry_run:
        print_json(spec.model_dump(mode="json"))
        return
    record = submit_and_follow(client, spec, wait=not no_wait, as_json=as_json)
    if record and not as_json:
        click.echo(f"next: fitq predict {reference.name} --dataset {named(record)}")
