"""`fitq datasets` and its commands, each a file here."""

from __future__ import annotations

import click

from fitq.commands._options import as_json
from fitq.lazy_commands import LazyCommands

COMMANDS = {
    "list": "List the data sets: those that fitq knows, and those that were registered.",
    "add": "Register a data set of your own, or a new version of it.",
    "show": "Show what a data set has: splits, columns, types, classes.",
    "versions": "List the versions of a registered data set.",
    "describe": "Measure a data set: ranges, counts, pictures. A worker does it.",
    "rm": "Remove registered data sets, or versions of them.",
}


@click.group(cls=LazyCommands, package=__name__, table=COMMANDS, invoke_without_command=True)
@as_json
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the data sets; its commands add, show and remove them."""
    if context.invoked_subcommand is None:
        from fitq.commands.datasets.list import command as list_command

        context.invoke(list_command, as_json=as_json)
