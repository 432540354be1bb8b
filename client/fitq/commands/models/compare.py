"""`fitq models compare`."""

from __future__ import annotations

import json
from typing import Any

import click

from fitq.commands._options import as_json


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--all", "show_all", is_flag=True, help="Print the rows that are the same too.")
@as_json
def command(models: tuple[str, ...], show_all: bool, as_json: bool) -> None:
    """Show MODELS side by side: specs, lineage and metrics; * marks the rows that differ."""
    from fitq.comparison import compare
    from fitq.queue import Queue
    from fitq.tables import print_json, print_table
    from fitq.versions import lineages
    from fitq_shared.errors import InvalidInput, Mistake

    if len(models) < 2:
        raise InvalidInput([Mistake("MODELS", models[0], "two models at least, to be compared")])
    client = Queue()
    names, found = lineages(client, models)
    rows = compare(found)
    if as_json:
        print_json(
            {
                "models": names,
                "rows": [
                    {"part": r.part, "name": r.name, "values": r.values, "differs": r.differs}
                    for r in rows
                ],
            }
        )
        return
    shown = [row for row in rows if row.differs or show_all or row.part == "training"]
    print_table(
        ["", "part", "what", *names],
        [
            ["*" if row.differs else "", row.part, row.name, *map(_shown, row.values)]
            for row in shown
        ],
        hide=["part"],
        fold={"part": 10, **dict.fromkeys(names, 12)},
    )
    if len(shown) < len(rows):
        same = len(rows) - len(shown)
        click.echo(f"{same} rows are the same for all: see them with --all", err=True)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:16] if len(text) == 64 else text
