"""`fitq datasets list`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json


@click.command()
@as_json
def command(as_json: bool) -> None:
    """List the data sets: those that fitq knows, and the newest version of each registered one."""
    from fitq.commands.datasets._shown import listed, rows, size
    from fitq.tables import ago, print_json, print_table
    from fitq_shared.catalogue import DATASETS
    from fitq_shared.registrations import registrations
    from fitq_shared.settings import Settings
    from fitq_shared.store import Store

    url = Settings.without_queue().store_url
    newest = {one.name: one for one in registrations(Store(url))} if url else {}
    if as_json:
        known = [
            {
                "name": facts.name,
                "version": None,
                "format": "images",
                "title": facts.title,
                "classes": facts.classes,
                "image_shape": list(facts.image_shape),
                **{f"{split}_rows": count for split, count in facts.rows.items()},
            }
            for facts in DATASETS.values()
        ]
        print_json([*known, *map(listed, newest.values())])
        return
    table: list[list[object]] = []
    for facts in DATASETS.values():
        form = f"images {' × '.join(map(str, facts.image_shape))}"
        counts = rows({"train": facts.rows["train"], "test": facts.rows["test"]})
        table.append([facts.name, "", form, counts, "", "", "fitq"])
    for one in newest.values():
        what = [one.name, one.version, one.format, rows(one.rows), size(one.size)]
        table.append([*what, ago(one.created), one.owner])
    print_table(
        ["name", "version", "format", "rows", "size", "registered", "owner"],
        table,
        hide=["owner", "registered", "size", "format"],
        fold={"format": 16, "rows": 10},
    )
    if newest:
        name = next(iter(newest))
        click.echo(f"next: fitq datasets show {name} · fitq datasets describe {name}", err=True)
    else:
        todo = "fitq datasets add NAME PATH" if url else "set FITQ_STORE to see registered ones"
        click.echo(f"next: fitq datasets describe mnist · {todo}", err=True)
