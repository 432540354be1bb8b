"""`fitq datasets versions`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json


@click.command()
@click.argument("name")
@as_json
def command(name: str, as_json: bool) -> None:
    """List the versions of the registered data set NAME, the newest first."""
    from fitq.commands.datasets._shown import listed, rows, size
    from fitq.data.access import store_of_datasets
    from fitq.data.references import find_versions
    from fitq.tables import ago, print_json, print_table

    found = find_versions(store_of_datasets(), name, "NAME")[::-1]
    if as_json:
        print_json([listed(one) for one in found])
        return
    print_table(
        ["version", "format", "rows", "size", "registered", "owner", "manifest"],
        [
            [
                *(one.version, one.format, rows(one.rows), size(one.size), ago(one.created)),
                *(one.owner, one.manifest[:12]),
            ]
            for one in found
        ],
        hide=["owner", "manifest", "size", "format"],
        fold={"rows": 10},
    )
    click.echo(f"next: fitq datasets show {found[0]}", err=True)
