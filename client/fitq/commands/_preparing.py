"""The options of `fitq train` that say what is done with the data before it is learnt from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from fitq.commands._options import VALUE
from fitq.drafts import Value, table
from fitq_shared.errors import InvalidInput, Mistake

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_EXAMPLE = "input=step:option=value,…, such as text=vectorize:max_tokens=5000,sequence_length=100"


def preparing(command: Callable[..., Any]) -> Callable[..., Any]:
    """What says how inputs are prepared, and rows divided."""
    decorators: list[Decorator] = [
        click.option(
            "--preprocess",
            "steps",
            multiple=True,
            help="INPUT=STEP, such as age=normalize; several, in order.",
        ),
        click.option(
            "--validation-split", type=VALUE, help="Share of the training rows. Default: 0.2."
        ),
        click.option("--test-split", type=VALUE, help="Share held out for evaluate. Default: 0."),
        click.option(
            "--split-by", help="fraction (the last rows), shuffled, stratified, group or column."
        ),
        click.option("--split-column", help="The groups, the classes, or train/validation/test."),
    ]
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def lay_over_preparing(values: dict[str, Any], flags: Mapping[str, Any]) -> None:
    """Let the flags that were given replace what the job file says, input by input."""
    if flags["validation_split"] is not None:
        values["validation_split"] = flags["validation_split"]
    split = {
        "by": flags["split_by"],
        "column": flags["split_column"],
        "test_split": flags["test_split"],
    }
    given = {key: value for key, value in split.items() if value is not None}
    if given:
        values["split"] = {**table(values.get("split"), "by"), **given}
    if flags["steps"]:
        known = values.get("preprocessing")
        if known is not None and not isinstance(known, dict):
            return  # the spec says what is wrong with it
        values["preprocessing"] = {**(known or {}), **steps_of(flags["steps"])}


def steps_of(flags: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """`--preprocess`, several times, as a job file would say it: the steps by input, in order.

    Several values of one option are separated by "|": city=one_hot:categories=oslo|rome.

    Raises:
        InvalidInput: names each flag that has no input, no step, or an option without a value.
    """
    made: dict[str, list[dict[str, Any]]] = {}
    wrong = []
    for flag in flags:
        name, _, rest = flag.partition("=")
        step, _, listed = rest.partition(":")
        pairs = [pair.partition("=") for pair in listed.split(",") if pair.strip()]
        if not (name.strip() and step.strip()) or not all(equals for _, equals, _ in pairs):
            wrong.append(Mistake("--preprocess", flag, _EXAMPLE))
            continue
        options = {key.strip(): _value(value) for key, _, value in pairs}
        made.setdefault(name.strip(), []).append({"type": step.strip(), **options})
    if wrong:
        raise InvalidInput(wrong)
    return made


def _value(text: str) -> Any:
    values = [Value().convert(part.strip(), None, None) for part in text.split("|")]
    return values if len(values) > 1 else values[0]
