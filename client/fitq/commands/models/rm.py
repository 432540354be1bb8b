"""`fitq models rm`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json, confirm, yes


@click.command()
@click.argument("versions", nargs=-1, required=True)
@yes
@as_json
def command(versions: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Unregister VERSIONS, such as mnist@3. Their jobs stay, and may be removed then."""
    from fitq.queue import Queue
    from fitq.tables import print_json
    from fitq_shared.errors import InvalidInput, Mistake
    from fitq_shared.redis_link import reporting_unreachable

    wrong = [
        Mistake("VERSIONS", text, "a version by its number, such as mnist@3")
        for text in versions
        if not text.partition("@")[2].isdecimal()
    ]
    if wrong:
        raise InvalidInput(wrong, "see them with `fitq models`")
    client = Queue()
    with reporting_unreachable(client.settings):
        found = [client.registry.find(text) for text in versions]
    labels = ", ".join(version.label for version in found)
    confirm(f"Unregister {labels}?", yes=yes, otherwise="nothing was changed")
    with reporting_unreachable(client.settings):
        for version in found:
            client.registry.unregister(version)
    if as_json:
        print_json([version.model_dump(mode="json") for version in found])
        return
    for version in found:
        click.echo(f"{version.label} is no more; its job {version.job_name} stays")
