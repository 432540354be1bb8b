"""`fitq datasets rm`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json, yes


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME[@VERSION]...")
@yes
@as_json
def command(names: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Remove registered data sets with all their versions, or only the versions named.

    Refused while a job that has not ended, or a model that was trained on it, needs one.
    """
    from fitq.commands._options import confirm
    from fitq.commands.datasets._shown import listed
    from fitq.data.access import store_of_datasets
    from fitq.data.needs import check_unneeded, check_unneeded_by_sweeps
    from fitq.data.references import find_versions
    from fitq.queue import Queue
    from fitq.tables import print_json
    from fitq_shared.errors import InvalidInput, Mistake
    from fitq_shared.redis_link import reporting_unreachable
    from fitq_shared.registrations import Registration, unregister

    store = store_of_datasets()
    found: list[Registration] = []
    mistakes: list[Mistake] = []
    for name in dict.fromkeys(names):
        try:
            found += find_versions(store, name, "NAME")
        except InvalidInput as error:
            mistakes += error.mistakes
    if mistakes:
        raise InvalidInput(mistakes)
    found = list({str(one): one for one in found}.values())
    queue = Queue()
    check_unneeded(found, queue.jobs())
    with reporting_unreachable(queue.settings):
        check_unneeded_by_sweeps(found, queue.sweeps.all())
    what = ", ".join(map(str, found))
    confirm(f"Remove {what} for good?", yes=yes, otherwise="nothing was removed")
    for one in found:
        unregister(store, one)
        if not as_json:
            click.echo(f"{one}  removed")
    if as_json:
        print_json([listed(one) for one in found])
    else:
        click.echo("next: fitq gc removes their content when it is a week old", err=True)
