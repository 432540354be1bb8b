"""Which sweep is meant: what the commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fitq.sweeping import Sweeping
    from fitq_shared.sweeps.record import SweepRecord

sweep = click.argument("sweep", required=False)


def find(sweeping: Sweeping, reference: str | None) -> SweepRecord:
    """The sweep of this name or id, or the newest.

    Raises:
        UnknownJob: there is no such sweep, or none at all.
    """
    from fitq_shared.errors import UnknownJob

    if reference is not None:
        return sweeping.find(reference)
    newest = sweeping.all(limit=1)
    if not newest:
        raise UnknownJob("there is no sweep yet", "begin one with `fitq sweep`")
    return newest[0][0]
