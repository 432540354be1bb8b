"""`fitq train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fitq.commands._options import VALUE, submission
from fitq.drafts import complete, options, read_job_file


@click.command()
@click.option("-f", "--file", type=click.Path(path_type=Path), help="A job file in TOML.")
@click.option("--dataset", help="mnist or fashion_mnist; see `fitq datasets`.")
@click.option("--rows", type=VALUE, help="Train on the first so many rows only. Default: all.")
@click.option("--model", help="mlp, cnn or rnn; see `fitq models`.")
@click.option("--option", "model_options", multiple=True, help="Of the model: units=256,128 …")
@click.option("--optimizer", help="A Keras optimizer: adam, rmsprop, sgd …")
@click.option("--learning-rate", type=VALUE, help="Default: the optimizer's own.")
@click.option("--loss", help="A Keras loss. Default: sparse_categorical_crossentropy.")
@click.option("--metric", "metrics", multiple=True, help="accuracy, top_5_accuracy …; several.")
@click.option("--epochs", type=VALUE, help="Default: 5.")
@click.option("--batch-size", type=VALUE, help="Default: 128.")
@click.option("--validation-split", type=VALUE, help="Share of the training rows. Default: 0.2.")
@click.option("--patience", type=VALUE, help="Stop early after so many epochs without gain.")
@click.option("--monitor", help="What early stopping looks at. Default: val_loss.")
@click.option("--seed", type=VALUE, help="Default: a random one, kept with the job.")
@submission
def command(file: Path | None, no_wait: bool, dry_run: bool, as_json: bool, **flags: Any) -> None:
    """Train a model on a data set.

    \b
    fitq train --dataset mnist --model mlp --option units=256,128 --epochs 30
    fitq train -f job.toml --epochs 3
    """
    from fitq.tables import print_json
    from fitq_shared.settings import Settings

    values = read_job_file(file, "train") if file else {"kind": "train"}
    _lay_over(values, flags)
    spec = complete(values, Settings.without_queue())
    if dry_run:
        print_json(spec.model_dump(mode="json"))
        return
    from fitq.outcome import submit_and_follow
    from fitq.queue import Queue

    record = submit_and_follow(Queue(), spec, wait=not no_wait, as_json=as_json)
    if record and not as_json:
        click.echo(f"next: fitq evaluate {record.name} · fitq history {record.name}")


_PLAIN_FLAGS = (
    "dataset",
    "rows",
    "loss",
    "epochs",
    "batch_size",
    "validation_split",
    "seed",
    "device",
    "min_gpu_memory",
    "gpus",
    "priority",
    "timeout",
    "name",
)


def _lay_over(values: dict[str, Any], flags: dict[str, Any]) -> None:
    """Let the flags that were given replace what the job file says."""
    for name in _PLAIN_FLAGS:
        if flags[name] is not None:
            values[name] = flags[name]
    for name in ("metrics", "tags"):
        if flags[name]:
            values[name] = list(flags[name])
    if flags["model"] is not None or flags["model_options"]:
        base = _part(values.get("model", {}), "type")
        if flags["model"] is not None and flags["model"] != base.get("type"):
            base = {"type": flags["model"]}
        values["model"] = {**base, **options(flags["model_options"])}
    _lay_over_part(
        values, "optimizer", name=flags["optimizer"], learning_rate=flags["learning_rate"]
    )
    _lay_over_part(values, "early_stopping", patience=flags["patience"], monitor=flags["monitor"])


def _lay_over_part(values: dict[str, Any], part: str, **given: Any) -> None:
    given = {name: value for name, value in given.items() if value is not None}
    if given:
        values[part] = {**_part(values.get(part, {}), "name"), **given}


def _part(value: Any, key: str) -> dict[str, Any]:
    """A part of a job file as a table; a plain value stands for its key."""
    return dict(value) if isinstance(value, dict) else {key: value}
