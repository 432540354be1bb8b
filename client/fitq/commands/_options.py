"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from fitq.drafts import Value

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

VALUE = Value()

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
job = click.argument("job")


def submission(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every submitting command takes."""
    decorators: list[Decorator] = [
        click.option("--device", help="any, cpu or gpu. Default: any."),
        click.option("--name", help="A name for the job. Default: one that can be said aloud."),
        click.option("--tag", "tags", multiple=True, help="A tag to find the job by; several."),
        click.option("--no-wait", is_flag=True, help="Return the job's id at once."),
        click.option("--dry-run", is_flag=True, help="Print the complete spec, submit nothing."),
        as_json,
    ]
    for decorate in reversed(decorators):
        command = decorate(command)
    return command
