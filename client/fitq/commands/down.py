"""`fitq down`: stop the local stack."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command()
def command() -> None:
    """Stop the local stack of this folder, or of the nearest above it.

    Running jobs go back to the queue. Queue, models and logs stay, and are there again after
    the next `fitq up`.
    """
    from fitq.stack.local_stack import LocalStack

    stack = LocalStack(_nearest(Path.cwd()))
    was_up = stack.down()
    click.echo("The stack is down." if was_up else "No stack was up here.")
    if stack.folder.root.is_dir():
        click.echo(f"Its data stay in {stack.folder.root}; `fitq up` starts it again.")


def _nearest(start: Path) -> Path:
    """The nearest folder with a stack, as every command looks for it; else the start."""
    from fitq.stack.folder import StackFolder

    for project in (start, *start.parents):
        folder = StackFolder(project)
        # isfile: False, too, where we may not look.
        if any(map(os.path.isfile, (folder.processes_file, folder.stack_file))):
            return project
    return start
