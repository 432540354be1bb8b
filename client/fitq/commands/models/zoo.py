"""`fitq models zoo`."""

from __future__ import annotations

import json
from typing import Any

import click

from fitq.commands._options import as_json


@click.command()
@as_json
def command(as_json: bool) -> None:
    """List the models that can be trained by name, with their options and defaults."""
    from fitq.tables import print_json, print_table
    from fitq_shared.specs.models import MODELS

    models: dict[str, dict[str, Any]] = {
        name: {
            "about": (model.__doc__ or "").strip().splitlines()[0],
            "options": {
                option: field.default
                for option, field in model.model_fields.items()
                if option != "type"
            },
        }
        for name, model in MODELS.items()
    }
    if as_json:
        print_json(models)
        return
    for name, model in models.items():
        click.secho(name, bold=True, nl=False)
        click.echo(f"  {model['about']}")
        print_table(
            ["  --option", "default"],
            [[f"  {o}", json.dumps(v)] for o, v in model["options"].items()],
        )
