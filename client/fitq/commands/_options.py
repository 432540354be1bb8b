"""Options that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from fitq.drafts import Value

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.record import JobRecord

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

VALUE = Value()

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
job = click.argument("job")
jobs = click.argument("jobs", nargs=-1, required=True)
yes = click.option("--yes", is_flag=True, help="Do not ask.")


_BEFORE = "fitq.after"


def _keep_before(context: click.Context, _: click.Parameter, jobs: tuple[str, ...]) -> None:
    context.meta[_BEFORE] = jobs


def chosen_before() -> tuple[str, ...]:
    """The jobs that `--after` names, for the command that is run."""
    context = click.get_current_context(silent=True)
    jobs: tuple[str, ...] = context.meta.get(_BEFORE, ()) if context else ()
    return jobs


def submission(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every submitting command takes."""
    decorators: list[Decorator] = [
        click.option("--device", help="any, cpu or gpu. Default: any."),
        click.option("--min-gpu-memory", help="Of each GPU: 20GiB, 24GB. Default: any."),
        click.option("--gpus", type=VALUE, help="How many GPUs of one worker. Default: one."),
        click.option("--priority", help="high, normal or low. Default: normal."),
        click.option("--timeout", help="How long it may run: 90s, 15min, 2h. Default: for ever."),
        click.option("--name", help="A name for the job. Default: one that can be said aloud."),
        click.option("--tag", "tags", multiple=True, help="A tag to find the job by; several."),
        click.option(
            "--after",
            multiple=True,
            expose_value=False,
            callback=_keep_before,
            help="Begin when this job has succeeded; several: when all have.",
        ),
        click.option("--no-wait", is_flag=True, help="Return the job's id at once."),
        click.option("--dry-run", is_flag=True, help="Print the complete spec, submit nothing."),
        as_json,
    ]
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def find_each(client: Queue, references: Sequence[str]) -> list[JobRecord]:
    """The jobs that these refer to, each once.

    Raises:
        UnknownJob: names each that refers to none, or to several.
    """
    from fitq_shared.errors import UnknownJob

    found, wrong = {}, []
    for reference in references:
        try:
            record = client.job(reference)
        except UnknownJob as error:
            wrong.append(error)
        else:
            found[record.id] = record
    if wrong:
        hints = dict.fromkeys(error.hint for error in wrong)
        raise UnknownJob("\n".join(error.message for error in wrong), "; ".join(hints))
    return list(found.values())


def confirm(question: str, *, yes: bool, otherwise: str) -> None:
    """Ask before something that cannot be undone; exits with 1 if the answer is no.

    Args:
        yes: it was answered already, by `--yes`.
        otherwise: what to say when the answer is no.

    Raises:
        InvalidInput: nobody is there to answer.
    """
    from fitq_shared.errors import InvalidInput

    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInput(f"{question} Nobody is here to answer", "add --yes")
    if not click.confirm(question, err=True):
        click.echo(otherwise, err=True)
        raise SystemExit(1)
