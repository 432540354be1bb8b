"""Renews the copies of sweeps in the volume, of which Redis knows that they are old."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitq_shared.errors import UnknownJob
from fitq_shared.sweeps.records import copy_path, keep_copy
from fitq_worker.fork_guard import fork_guard

if TYPE_CHECKING:
    from fitq_shared.store import Store
    from fitq_shared.sweeps.records import Sweeps


def renew_copies(sweeps: Sweeps, store: Store) -> None:
    """Write the sweeps that have changed into the volume.

    Raises:
        StoreError: the volume cannot be written.
        redis.RedisError: Redis is away.
    """
    with fork_guard:
        unkept = sweeps.unkept()
    for sweep_id in unkept:
        try:
            with fork_guard:
                record, trials = sweeps.get(sweep_id), sweeps.trials(sweep_id)
        except UnknownJob:
            with fork_guard:
                sweeps.kept(sweep_id, 0)
            continue
        keep_copy(store, record, trials)
        with fork_guard:
            outcome = sweeps.kept(sweep_id, record.version)
        if outcome == "gone":
            store.remove(copy_path(sweep_id))
