"""`fitq models` and its commands, each a file here."""

from __future__ import annotations

import click

from fitq.commands._options import as_json
from fitq.lazy_commands import LazyCommands

COMMANDS = {
    "check": "Build a model on a worker, without training it.",
    "zoo": "List the models that can be trained by name, with their options.",
}


@click.group(cls=LazyCommands, package=__name__, table=COMMANDS, invoke_without_command=True)
@as_json
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the models that can be trained by name; its commands do more."""
    if context.invoked_subcommand is None:
        from fitq.commands.models.zoo import command as zoo

        context.invoke(zoo, as_json=as_json)
