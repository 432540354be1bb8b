"""`fitq models export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fitq.commands._options import submission
from fitq.commands._submitting import submit


@click.command()
@click.argument("model")
@click.option("--format", "form", required=True, help="savedmodel or onnx.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Copy the export to this folder. Default: leave it in the job's artifacts.",
)
@submission
def command(
    model: str,
    form: str,
    output: Path | None,
    no_wait: bool,
    dry_run: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Export MODEL for other programs; a worker checks that it predicts the same.

    \b
    fitq models export mnist@production --format savedmodel --output mnist-saved
    """
    from fitq.model_references import find_model
    from fitq.pulling import counted, pull
    from fitq.queue import Queue
    from fitq_shared.attempt_folder import AttemptFolder
    from fitq_shared.errors import InvalidInput, Mistake

    if output is not None and no_wait:
        expected = "no --no-wait: there is nothing to copy yet"
        raise InvalidInput([Mistake("--output", str(output), expected)])
    client = Queue()
    _, reference = find_model(client, model)
    values = {"kind": "export", "model": reference.model_dump(), "format": form, **flags}
    record = submit(client, values, no_wait=no_wait, dry_run=dry_run, as_json=as_json)
    if record is None or record.manifest is None:
        return
    if output is not None:
        copied = pull(
            client.artifacts.folder(record), record.manifest, output, AttemptFolder.export
        )
        click.echo(f"{counted(len(copied))}, each as published: {output}/", err=as_json)
    elif not as_json:
        click.echo(f"next: fitq pull {record.name}")
