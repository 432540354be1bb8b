"""The options of `fitq train` that say how a model learns, and what they make of a job's values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from fitq.commands._options import VALUE
from fitq.drafts import options, table

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_OPTIMIZER = ("learning_rate", "weight_decay", "momentum", "clipnorm")
_STOPPING = ("patience", "monitor")
_PLAIN = ("sample_weight", "mixed_precision")


def learning(command: Callable[..., Any]) -> Callable[..., Any]:
    """What says how a model learns."""
    decorators: list[Decorator] = [
        click.option("--optimizer", help="A Keras optimizer: adam, rmsprop, sgd …"),
        click.option("--learning-rate", type=VALUE, help="Default: the optimizer's own."),
        click.option("--schedule", help="Of the rate: cosine_decay, exponential_decay …"),
        click.option(
            "--schedule-option", "schedule_options", multiple=True, help="epochs=10 …; several."
        ),
        click.option("--weight-decay", type=VALUE, help="Default: none."),
        click.option("--momentum", type=VALUE, help="Of sgd and rmsprop. Default: none."),
        click.option("--clipnorm", type=VALUE, help="Greatest norm of a gradient. Default: any."),
        click.option(
            "--loss",
            "losses",
            multiple=True,
            help="A Keras loss, or OUTPUT=LOSS, several. Default: one that suits the target.",
        ),
        click.option(
            "--loss-weight", "loss_weights", multiple=True, help="OUTPUT=0.5; several. Default: 1."
        ),
        click.option(
            "--metric", "metrics", multiple=True, help="accuracy …, or OUTPUT=METRIC; several."
        ),
        click.option(
            "--class-weight", "class_weights", multiple=True, help="balanced, or CLASS=2; several."
        ),
        click.option("--sample-weight", help="The field with the weight of each row."),
        click.option("--mixed-precision", is_flag=True, default=None, help="Compute in 16 bits."),
        click.option("--patience", type=VALUE, help="Stop early after epochs without gain."),
        click.option("--monitor", help="What early stopping looks at. Default: val_loss."),
    ]
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def lay_over_learning(values: dict[str, Any], flags: Mapping[str, Any]) -> None:
    """Let the flags that were given replace what the job file says."""
    for name in _PLAIN:
        if flags[name] is not None:
            values[name] = flags[name]
    if flags["losses"]:
        values["loss"] = _one_or_by_name("--loss", flags["losses"])
    if flags["metrics"]:
        values["metrics"] = _metrics(flags["metrics"])
    if flags["loss_weights"]:
        values["loss_weights"] = options(flags["loss_weights"], "--loss-weight", "OUTPUT=0.5")
    if flags["class_weights"]:
        values["class_weight"] = _one_or_by_name("--class-weight", flags["class_weights"])
    _lay_over_part(values, "optimizer", "name", flags["optimizer"], _given(flags, _OPTIMIZER))
    if flags["schedule"] is not None or flags["schedule_options"]:
        optimizer = values["optimizer"] = table(values.get("optimizer"), "name")
        chosen = options(flags["schedule_options"], "--schedule-option", "epochs=10")
        _lay_over_part(optimizer, "schedule", "type", flags["schedule"], chosen)
    _lay_over_part(values, "early_stopping", "name", None, _given(flags, _STOPPING))


def _given(flags: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: flags[name] for name in names if flags[name] is not None}


def _lay_over_part(
    values: dict[str, Any], part: str, key: str, name: str | None, given: dict[str, Any]
) -> None:
    """Replace some of a part's values; another name than the file's leaves nothing of it."""
    base = table(values.get(part), key)
    if name is not None:
        base = base if part != "schedule" or base.get(key) == name else {}
        given = {key: name, **given}
    if given:
        values[part] = {**base, **given}


def _one_or_by_name(flag: str, given: Sequence[str]) -> Any:
    """One value for all, or a table: several plain ones are left to the spec to refuse."""
    if len(given) == 1 and "=" not in given[0]:
        return given[0]
    return options(given, flag, "NAME=VALUE where there are several")


def _metrics(given: Sequence[str]) -> Any:
    """Names for all outputs, or a table of names by output."""
    if not any("=" in one for one in given):
        return list(given)
    found: dict[str, list[Any]] = {}
    for one in given:
        for name, value in options([one], "--metric", "OUTPUT=METRIC for each").items():
            found.setdefault(name, []).extend(value if isinstance(value, list) else [value])
    return found
