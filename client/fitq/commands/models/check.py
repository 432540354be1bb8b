"""`fitq models check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fitq.commands._options import submission
from fitq.commands._submitting import submit_with_files

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.record import JobRecord


@click.command()
@click.argument("model")
@click.option("--option", "model_options", multiple=True, help="Of the model or its builder.")
@click.option("--dataset", help="Try it on two rows of this data set.")
@click.option("--inputs", help="Fields of the data set to train from. Default: its own choice.")
@click.option("--target", help="Fields to learn. Default: the data set's own choice.")
@click.option("--loss", help="Default: the model's own, or one that suits the target.")
@click.option(
    "--preprocess", "steps", multiple=True, help="INPUT=STEP, such as age=normalize; several."
)
@submission
def command(
    model: str,
    model_options: tuple[str, ...],
    inputs: str | None,
    target: str | None,
    steps: tuple[str, ...],
    no_wait: bool,
    dry_run: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Build MODEL on a worker and sum it up, without training it.

    MODEL is one of `fitq models zoo`, a file of Keras, or a builder. With a data set it is tried
    on two rows: when shapes do not fit, the layer at fault is named.

    \b
    fitq models check net.py:build --option units=64 --dataset mnist
    fitq models check model.keras
    """
    from fitq.commands._preparing import steps_of
    from fitq.drafts import options

    values = {
        "kind": "check",
        "model": {"type": model, **options(model_options)},
        "inputs": _names(inputs),
        "target": _names(target),
        "preprocessing": steps_of(steps),
        **flags,
    }
    done = submit_with_files(values, Path(), no_wait=no_wait, dry_run=dry_run, as_json=as_json)
    if done and not as_json:
        _print(*done)
        words = [f"--option {option}" for option in model_options]
        words.append(f"--dataset {flags['dataset'] or 'NAME'}")
        words += [f"--preprocess {step}" for step in steps]
        click.echo(f"next: fitq train --model {model} {' '.join(words)}")


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",")]


def _print(client: Queue, record: JobRecord) -> None:
    from fitq.tables import print_table
    from fitq_shared.attempt_folder import AttemptFolder
    from fitq_shared.texts import plain

    if not client.artifacts.has_store:
        click.echo("the summary is in the store, which this client cannot read", err=True)
        return
    folder = client.artifacts.folder(record)
    click.echo(plain(folder.read(AttemptFolder.summary).decode().rstrip()))
    found: Any = folder.read_json(AttemptFolder.check)
    print_table(
        ["", "name", "shape", "dtype"],
        [
            [side, one["name"], _shape(one["shape"]), one["dtype"]]
            for side, key in (("input", "inputs"), ("output", "outputs"))
            for one in found[key]
        ],
        fold={"name": 16},
    )


def _shape(sizes: list[int | None]) -> str:
    return " × ".join("any" if size is None else str(size) for size in sizes) or "a number"
