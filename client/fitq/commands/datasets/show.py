"""`fitq datasets show`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from fitq.commands._options import as_json

if TYPE_CHECKING:
    from fitq_shared.catalogue import DatasetFacts


@click.command()
@click.argument("name")
@as_json
def command(name: str, as_json: bool) -> None:
    """Show what the data set NAME has, or NAME@VERSION: splits, columns, types and classes."""
    from fitq.commands.datasets._columns import print_columns
    from fitq.commands.datasets._described import print_described
    from fitq.commands.datasets._shown import listed, rows, size
    from fitq.data.access import registered
    from fitq.tables import ago, print_json
    from fitq_shared.catalogue import DATASETS
    from fitq_shared.datasets import description_path, read_manifest

    if name in DATASETS:
        _show_known(DATASETS[name], as_json=as_json)
        return
    store, one = registered(name, "NAME")
    manifest = read_manifest(store, one.ref)
    path = description_path(one.manifest)
    if as_json:
        content = manifest.model_dump(mode="json", exclude={"files", "chunks"})
        described = json.loads(store.read(path)) if store.exists(path) else None
        chunks = len(manifest.chunks)
        print_json({**listed(one), "chunks": chunks, "content": content, "described": described})
        return
    click.secho(f"{one}: {one.format}, registered {ago(one.created)} by {one.owner}", bold=True)
    plural = "" if one.chunks == 1 else "s"
    if one.rows:
        click.echo(f"  rows      {rows(one.rows)}")
    click.echo(f"  splits    {', '.join(manifest.splits)}")
    click.echo(f"  files     {one.files:,}, {size(one.size)}, in {one.chunks:,} chunk{plural}")
    if manifest.missing:
        click.echo(f"  missing   {', '.join(map(repr, manifest.missing))}")
    if manifest.code:
        click.echo(f"  made by   {manifest.code.module}:{manifest.code.function}")
    click.echo(f"  manifest  {one.manifest}")
    print_columns(manifest.columns)
    if store.exists(path):
        print_described(json.loads(store.read(path)))
    click.echo(f"next: fitq train --dataset {name} · fitq datasets describe {name}", err=True)


def _show_known(facts: DatasetFacts, *, as_json: bool) -> None:
    from fitq.tables import print_json

    if as_json:
        print_json(
            {
                "name": facts.name,
                "title": facts.title,
                "image_shape": list(facts.image_shape),
                "class_names": list(facts.class_names),
                "rows": facts.rows,
                "sums": facts.sums,
            }
        )
        return
    click.secho(f"{facts.name}: {facts.title}", bold=True)
    shape = " × ".join(map(str, facts.image_shape))
    click.echo(f"  rows     {facts.rows['train']:,} + {facts.rows['test']:,} test")
    click.echo(f"  image    uint8 {shape}")
    click.echo(f"  label    {facts.classes} classes: {', '.join(facts.class_names)}")
    click.echo(f"next: fitq datasets describe {facts.name}", err=True)
