"""`fitq predict`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fitq.commands._options import VALUE, chosen_before, submission
from fitq.commands._submitting import submit
from fitq.numbers import measure

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq.uploads import Upload
    from fitq_shared.record import JobRecord


@click.command()
@click.argument("model")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--input", "file", type=click.Path(path_type=Path), help="The same as a FILE.")
@click.option("--array", help="Which array of an .npz.")
@click.option("--dataset", help="Predict rows of a data set instead of a file.")
@click.option(
    "--split",
    help="train, validation, test or all. Default: test if there is one, or else all.",
)
@click.option("--format", "output_format", help="npz or csv. Default: npz.")
@click.option(
    "--rows",
    type=click.IntRange(0, 100),
    default=6,
    show_default=True,
    help="Print so many of the predictions.",
)
@click.option("--batch-size", type=VALUE, help="Default: 128.")
@submission
def command(
    model: str,
    files: tuple[Path, ...],
    file: Path | None,
    array: str | None,
    dataset: str | None,
    split: str | None,
    rows: int,
    no_wait: bool,
    dry_run: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Predict classes with a trained MODEL: a job's name or id, NAME@3, NAME@ALIAS or NAME.

    Prints the first rows; all of them lie in the job's artifacts.
    """
    from fitq.model_interface import inputs_of
    from fitq.model_references import find_model_after
    from fitq.prediction_rows import rows_of
    from fitq.queue import Queue
    from fitq_shared.errors import InvalidInput

    given = [*files, file] if file is not None else list(files)
    if bool(given) == (dataset is not None):
        raise InvalidInput("give either files or --dataset NAME to predict")
    _refuse_model_file(model)
    client = Queue()
    trained, reference = find_model_after(client, model, chosen_before())
    values = {"kind": "predict", "model": reference.model_dump(), **flags}
    chosen: AbstractContextManager[tuple[dict[str, Any], Upload | None]]
    if dataset is not None:
        of_data = {"type": "dataset", "dataset": dataset, "split": split}
        chosen = nullcontext((of_data, None))
    else:
        chosen = rows_of(given, array, inputs_of(client, trained))
    with chosen as (values["rows"], upload):
        record = submit(
            *(client, values, upload), no_wait=no_wait, dry_run=dry_run, as_json=as_json
        )
    if record and rows and not as_json:
        _print_head(client, record, rows)


def _refuse_model_file(model: str) -> None:
    """A model is named by the job that trained it; say so to who gives a file of one."""
    from fitq.own_model import OTHER_SUFFIXES
    from fitq_shared.archives import kind_of
    from fitq_shared.errors import InvalidInput, Mistake

    path = Path(model)
    if not model.isprintable() or path.suffix.lower() not in {".keras", *OTHER_SUFFIXES}:
        return
    kind = None
    if path.is_file():
        with path.open("rb") as file:
            kind = kind_of(file.read(8))
    found = f", and not a file; this one is {kind}" if kind else ", and not a file"
    raise InvalidInput(
        [Mistake("MODEL", model, f"the name or id of a training job{found}")],
        "see the models that there are with `fitq jobs --kind train --state succeeded`",
    )


def _print_head(client: Queue, record: JobRecord, count: int) -> None:
    from fitq.tables import print_table
    from fitq_shared.attempt_folder import AttemptFolder

    if not client.artifacts.has_store:
        click.echo("the predictions are in the store, which this client cannot read", err=True)
        return
    head: Any = client.artifacts.folder(record).read_json(AttemptFolder.predictions_head)
    headers = list(head[0]) if head else ["row"]
    print_table(
        headers,
        [[_cell(row[name]) for name in headers] for row in head[:count]],
        hide=headers[:1:-1],
        elsewhere="`fitq pull` brings all",
    )
    click.echo(f"next: fitq pull {record.name}")


def _cell(value: Any) -> Any:
    if value is None:
        return "-"
    return measure(value) if isinstance(value, float) else value
