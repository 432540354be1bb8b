"""`fitq gc`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fitq.commands._options import as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fitq.retention import Retention
    from fitq.waste import Waste


@click.command()
@click.option(
    "--attempts",
    default="1d",
    show_default=True,
    help="Keep attempts before the newest for so long after their job has ended.",
)
@click.option(
    "--checkpoints",
    default="14d",
    show_default=True,
    help="Keep checkpoints of failed and cancelled jobs for so long.",
)
@click.option(
    "--inputs",
    default="7d",
    show_default=True,
    help="Keep arrays that no job refers to for so long.",
)
@click.option(
    "--blobs",
    default="7d",
    show_default=True,
    help="Keep pieces of data that no registered data set has for so long: an upload lasts.",
)
@click.option("--jobs", help="Keep ended jobs for so long, such as 90d.  [default: for ever]")
@click.option("--apply", is_flag=True, help="Remove it. Without this nothing is changed.")
@as_json
def command(
    attempts: str,
    checkpoints: str,
    inputs: str,
    blobs: str,
    jobs: str | None,
    apply: bool,
    as_json: bool,
) -> None:
    """Remove what nobody will need again; without --apply only list it.

    Jobs that are queued or running stay as they are, and so does whatever belongs to a job that
    Redis does not know, or that such a job may need.
    """
    from fitq.housekeeping import Housekeeping
    from fitq.queue import Queue
    from fitq.tables import print_json

    keep = _retention(
        attempts=attempts, checkpoints=checkpoints, inputs=inputs, blobs=blobs, jobs=jobs
    )
    housekeeping = Housekeeping(Queue())
    found = housekeeping.waste(keep)
    gone = housekeeping.clear(found.waste) if apply else []
    listed = gone if apply else found.waste
    if as_json:
        print_json(
            {
                "applied": apply,
                "bytes": sum(one.size for one in listed),
                "unknown_folders": found.unknown,
                "waste": [
                    {"what": w.what, "why": w.why, "bytes": w.size, "paths": list(w.paths)}
                    for w in listed
                ],
            }
        )
        return
    _print(listed, applied=apply)
    if found.unknown:
        click.echo(
            f"folders of jobs that Redis does not know: {found.unknown}; they stay, and so do "
            "inputs and whole jobs, which they may need: first `fitq reindex`",
            err=True,
        )


def _retention(**texts: str | None) -> Retention:
    """How long to keep what.

    Raises:
        InvalidInput: names every text that is no length of time.
    """
    from fitq.retention import Retention
    from fitq_shared.durations import seconds_of
    from fitq_shared.errors import InvalidInput, Mistake

    seconds, wrong = {}, []
    for name, text in texts.items():
        if text is None:
            continue
        try:
            seconds[name] = seconds_of(text)
        except ValueError as error:
            wrong.append(Mistake(f"--{name}", text, str(error)))
    if wrong:
        raise InvalidInput(wrong)
    return Retention(**seconds)


def _print(waste: Sequence[Waste], *, applied: bool) -> None:
    from rich.filesize import decimal

    from fitq.tables import print_table

    if not waste:
        click.echo("nothing to remove")
        return
    print_table(
        ["what", "why", "size"],
        [[w.what, w.why, decimal(w.size)] for w in waste],
        fold={"what": 16, "why": 16},
    )
    things = f"{len(waste)} thing{'' if len(waste) == 1 else 's'}"
    total = f"{things}, {decimal(sum(one.size for one in waste))}"
    if applied:
        click.echo(f"removed {total}")
    else:
        click.echo(f"would remove {total}; nothing was changed")
        click.echo("remove it with the same command and --apply", err=True)
