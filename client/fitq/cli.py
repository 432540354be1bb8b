"""The command `fitq`: its commands, each a file in fitq/commands/, and how errors are printed."""

from __future__ import annotations

import sys
from typing import Any

import click

from fitq import __version__
from fitq.lazy_commands import LazyCommands

# In the order of a first day with fitq; each is a file in fitq/commands/.
COMMANDS = {
    "up": "Start the local stack: Redis, one worker per device, Flower.",
    "down": "Stop the local stack.",
    "train": "Train a model.",
    "evaluate": "Evaluate a trained model.",
    "predict": "Predict with a trained model.",
    "sweep": "Train many variants and find the best.",
    "chain": "Submit jobs of which some come after others.",
    "jobs": "List jobs.",
    "show": "Show one job: spec, state, results, where its artifacts are.",
    "watch": "Follow a job live.",
    "wait": "Wait until jobs have ended.",
    "logs": "Print a job's log.",
    "cancel": "Cancel jobs.",
    "retry": "Run jobs again that have failed or were cancelled.",
    "reproduce": "Train a job's model again, and compare it to the bit.",
    "history": "Print a job's training history.",
    "pull": "Copy a job's artifacts to a folder.",
    "datasets": "List and describe the data sets.",
    "models": "Models by name: versions, aliases, where they come from.",
    "rm": "Remove jobs with all their files.",
    "gc": "Remove what nobody will need again.",
    "workers": "List the workers and what they do.",
    "drain": "Let workers leave.",
    "doctor": "Check what fitq needs, part by part.",
    "reindex": "Bring back the jobs that Redis has lost.",
    "version": "Print the versions.",
}
INTERRUPTED = 130


@click.command(
    cls=LazyCommands,
    package="fitq.commands",
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)
@click.version_option(__version__, prog_name="fitq")
def group() -> None:
    """model.fit on a queue.

    Submit Keras jobs from here; workers with a device of their own run them.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run `fitq` and exit: 0 done, 1 failed, 2 wrong use, 3 no queue, 130 interrupted."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run `fitq` and return its exit code; every error is printed here and nowhere else."""
    from fitq_shared.errors import FitqError

    try:
        result: Any = group.main(arguments, prog_name="fitq", standalone_mode=False)
    except FitqError as error:
        _complain(error.message, error.hint)
        return error.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        _complain(*_in_our_words(error))
        return error.exit_code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return result if isinstance(result, int) else 0


def _in_our_words(error: click.ClickException) -> tuple[str, str]:
    """Click's message as all others begin and end, and how the command is used."""
    text = error.format_message()
    message = (text[:1].lower() + text[1:]).removesuffix(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return message, ""
    usage = " ".join([context.command_path, *context.command.collect_usage_pieces(context)])
    return message, f"`{usage}`; more by `{context.command_path} --help`"


def _complain(message: str, hint: str) -> None:
    from fitq_shared.texts import printable

    lines = [printable(line) for line in message.splitlines()] or [""]
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(lines[0], err=True)
    for line in lines[1:]:
        click.echo(f"       {line}", err=True)
    if hint:
        click.secho("  try: ", fg="yellow", nl=False, err=True)
        click.echo(printable(hint), err=True)
