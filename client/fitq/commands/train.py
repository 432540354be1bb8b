"""`fitq train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fitq.commands._learning import lay_over_learning, learning
from fitq.commands._options import VALUE, chosen_before, submission
from fitq.commands._preparing import lay_over_preparing, preparing
from fitq.commands._submitting import submit_with_files
from fitq.drafts import options, read_job_file, table


@click.command()
@click.option("-f", "--file", type=click.Path(path_type=Path), help="A job file in TOML.")
@click.option("--dataset", help="mnist, or another of `fitq datasets`.")
@click.option("--rows", type=VALUE, help="Train on the first so many rows only. Default: all.")
@click.option("--model", help="mlp, cnn, rnn; or a file: net.py:build, x.keras, x.json.")
@click.option(
    "--option",
    "model_options",
    multiple=True,
    help="Of the model or its builder: units=64 …",
)
@click.option("--inputs", help="Fields of the data set to train from. Default: its own choice.")
@click.option("--target", help="Fields to learn; an input for an autoencoder. Default: its own.")
@click.option("--no-target", is_flag=True, help="Learn no field: the model has its own way.")
@click.option("--init-from", help="Begin with the weights of this model: JOB, NAME@3, NAME@ALIAS.")
@learning
@click.option("--register", "model_name", help="A model, whose next version this becomes.")
@click.option("--epochs", type=VALUE, help="Default: 5.")
@click.option("--batch-size", type=VALUE, help="Default: 128.")
@preparing
@click.option("--seed", type=VALUE, help="Default: a random one, kept with the job.")
@submission
def command(file: Path | None, no_wait: bool, dry_run: bool, as_json: bool, **flags: Any) -> None:
    """Train a model on a data set.

    \b
    fitq train --dataset mnist --model mlp --option units=256,128 --epochs 30
    fitq train --dataset mnist --model net.py:build --option units=64
    fitq train -f job.toml --epochs 3
    """
    values: dict[str, Any] = read_job_file(file, "train") if file else {"kind": "train"}
    lay_over(values, flags)
    if isinstance(values.get("init_from"), str):
        values["init_from"] = model_named(values["init_from"])
    folder = file.parent if file and flags["model"] is None else Path()
    done = submit_with_files(values, folder, no_wait=no_wait, dry_run=dry_run, as_json=as_json)
    if done and not as_json:
        from fitq.outcome import say_what_next

        say_what_next(*done)


_PLAIN_FLAGS = (
    "dataset",
    "rows",
    "init_from",
    "model_name",
    "epochs",
    "batch_size",
    "seed",
    "device",
    "min_gpu_memory",
    "gpus",
    "priority",
    "timeout",
    "name",
)


def lay_over(values: dict[str, Any], flags: dict[str, Any]) -> None:
    """Let the flags that were given replace what the job file says."""
    for name in _PLAIN_FLAGS:
        if flags[name] is not None:
            values[name] = flags[name]
    for name in ("inputs", "target"):
        if flags[name] is not None:
            values[name] = [part.strip() for part in flags[name].split(",")]
    if flags["no_target"]:
        values["target"] = []
    if flags["tags"]:
        values["tags"] = list(flags["tags"])
    if flags["model"] is not None or flags["model_options"]:
        base = table(values.get("model"), "type")
        if flags["model"] is not None and flags["model"] != base.get("type"):
            base = {"type": flags["model"]}
        values["model"] = {**base, **options(flags["model_options"])}
    lay_over_learning(values, flags)
    lay_over_preparing(values, flags)


def model_named(reference: str) -> dict[str, Any]:
    """A model as a spec names it: one that a job has published, or will have."""
    from fitq.model_references import find_model_after
    from fitq.queue import Queue

    return find_model_after(Queue(), reference, chosen_before())[1].model_dump()
