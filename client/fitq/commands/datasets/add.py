"""`fitq datasets add`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fitq.commands._options import VALUE, as_json

if TYPE_CHECKING:
    from fitq.data.registering import Added


@click.command()
@click.argument("name")
@click.argument("path")
@click.option("--target", "targets", multiple=True, help="A column or array to learn; several.")
@click.option("--input", "inputs", multiple=True, help="Of the others, only these; several.")
@click.option(
    "--type",
    "types",
    multiple=True,
    help="Of a column: price=number, category, text, date, when=date:%d.%m.%Y; several.",
)
@click.option("--missing", multiple=True, help="A cell that is a missing value: NA, ''; several.")
@click.option(
    "--may-miss", multiple=True, help="Values may be missing in this column only; several."
)
@click.option("--separator", help="Of a CSV: ',', ';', '|' or tab. Default: ','.")
@click.option("--channels", type=VALUE, help="Of images in folders: 1, 3 or 4. Default: 3.")
@click.option("--test", type=click.Path(path_type=Path), help="The test split, if it lies apart.")
@click.option("--option", "options", multiple=True, help="Of the function: rows=1000 …; several.")
@click.option("--send-all", is_flag=True, help="Send even what the store has: mends a damaged one.")
@as_json
def command(name: str, path: str, send_all: bool, as_json: bool, **given: Any) -> None:
    """Register what is at PATH as the newest version of the data set NAME.

    PATH is a .csv, .parquet, .npz or .npy file, a folder with a folder of images or .txt files for
    each class, or FILE.py:FUNCTION, which makes the data. Files or arrays named train and test are
    these splits.

    \b
    fitq datasets add houses houses.csv --target price --type when=date --missing NA
    fitq datasets add pets photos/
    """
    from fitq.data.access import store_of_datasets
    from fitq.data.declaring import declare
    from fitq.data.progress import showing_progress
    from fitq.data.registering import add, check_name
    from fitq.tables import print_json
    from fitq_shared.settings import Settings

    declared = declare(**given)
    check_name(name)
    store = store_of_datasets()
    try:
        with showing_progress() as progress:
            owner = Settings.without_queue().owner
            added = add(store, name, path, declared, owner, progress, send_all=send_all)
    except KeyboardInterrupt:
        click.echo("\nwhat has arrived stays: the same command sends only the rest", err=True)
        raise
    if as_json:
        from fitq.commands.datasets._shown import listed

        print_json(
            {
                **listed(added.registration),
                "new": added.is_new,
                "bytes_sent": added.sent,
                "columns": [c.model_dump(mode="json") for c in added.manifest.columns],
                "notes": list(added.source.notes),
            }
        )
        return
    _print(added)


def _print(added: Added) -> None:
    from fitq.commands.datasets._columns import print_columns
    from fitq.commands.datasets._shown import rows, size

    one = added.registration
    if added.is_new:
        click.secho(f"registered {one}", fg="green", bold=True, nl=False)
    else:
        click.echo(f"{one} is just this: nothing new was registered", nl=False)
    counted = f", {rows(one.rows)} rows" if one.rows else ""
    files = f"{one.files:,} file{'' if one.files == 1 else 's'}"
    sent = f"{size(added.sent)} sent" if added.sent else "nothing to send"
    click.echo(f": {one.format}{counted}, {files}, {size(one.size)}, {sent}")
    print_columns(added.manifest.columns)
    for note in added.source.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(
        f"next: fitq train --dataset {one.name} · fitq datasets describe {one.name}", err=True
    )
