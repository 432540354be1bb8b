"""`fitq sweep best`."""

from __future__ import annotations

import click

from fitq.commands._options import as_json
from fitq.commands.sweep._sweep import find, sweep


@click.command()
@sweep
@as_json
def command(sweep: str | None, as_json: bool) -> None:
    """Show the best trial so far, and how to predict with it. Default: of the newest sweep."""
    from fitq.queue import Queue
    from fitq.standings import best_of, show_best
    from fitq.sweeping import Sweeping, difference
    from fitq.tables import print_json

    client = Queue()
    sweeping = Sweeping(client)
    standing = sweeping.standing(find(sweeping, sweep).id)
    record, best = standing.sweep, best_of(standing)
    if as_json:
        found = difference(record, best)
        print_json(
            {
                "sweep": record.id,
                "trial": best.number,
                "job": best.job,
                "name": f"{record.name}-{best.number}",
                "metric": record.spec["metric"],
                "value": best.value,
                "difference": {p: {"was": old, "is": new} for p, (old, new) in found.items()},
                "outcome": record.outcome,
            }
        )
        return
    show_best(standing, best)
