"""`fitq models unalias`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json


@click.command()
@click.argument("alias")
@as_json
def command(alias: str, as_json: bool) -> None:
    """Remove an ALIAS of a model, such as mnist@production; the version stays."""
    from fitq.queue import Queue
    from fitq.tables import print_json
    from fitq_shared.errors import InvalidInput, Mistake
    from fitq_shared.redis_link import reporting_unreachable

    name, at, word = alias.partition("@")
    if not at or not word or word.isdigit():
        expected = "a model and one of its aliases, such as mnist@production"
        raise InvalidInput([Mistake("ALIAS", alias, expected)], "see them with `fitq models`")
    client = Queue()
    with reporting_unreachable(client.settings):
        version = client.registry.unalias(name, word, client.settings.owner)
    if as_json:
        print_json({"name": name, "alias": word, "version": version})
        return
    click.echo(f"{alias} is no more; it was {name}@{version}")
