"""What `fitq rm`, `fitq gc` and `fitq reindex` do: jobs and files go, and lost ones come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fitq.needs import needed_jobs, why_not
from fitq.rebuild import (
    LostJob,
    LostModel,
    find_lost,
    find_lost_models,
    restore,
    restore_model,
)
from fitq.removal import remove_job
from fitq.retention import Findings, Retention, find_waste
from fitq.waste import Waste, remove_waste
from fitq_shared.errors import InvalidInput, StoreError
from fitq_shared.record import JobRecord
from fitq_shared.redis_link import reporting_unreachable
from fitq_shared.store import Store

if TYPE_CHECKING:
    from fitq.queue import Queue


class Housekeeping:
    """Removes what nobody needs, and restores what Redis has lost: needs both it and the store.

    Raises:
        QueueUnreachable: from every method, when Redis does not answer.
    """

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._settings = queue.settings
        self._records = queue.records

    def check_removable(self, records: Sequence[JobRecord]) -> None:
        """Say whether these jobs can be removed.

        Raises:
            InvalidInput: names each that has not ended, or whose model is registered or needed.
            StoreError: this client has no store.
        """
        self._reachable_store()
        with reporting_unreachable(self._settings):
            needed = needed_jobs(self._records)
            versions = {
                record.id: self._queue.registry.versions_of(record.id) for record in records
            }
        refused = [
            found for record in records if (found := why_not(record, needed, versions[record.id]))
        ]
        if refused:
            whats, todos = zip(*refused, strict=True)
            raise InvalidInput("\n".join(whats), "; ".join(todos))

    def remove(self, record: JobRecord) -> None:
        """Remove an ended job for good: its record and all its files.

        Raises:
            InvalidInput: it has not ended, or its model is still needed.
            StoreError: this client has no store, or cannot write it.
        """
        self.check_removable([record])
        with reporting_unreachable(self._settings):
            remove_job(self._records, self._reachable_store(), record)

    def waste(self, keep: Retention) -> Findings:
        """What nobody will need again. Changes nothing.

        Raises:
            StoreError: this client has no store, or cannot read it.
        """
        store = self._reachable_store()
        with reporting_unreachable(self._settings):
            return find_waste(self._records, store, keep)

    def clear(self, waste: Sequence[Waste]) -> list[Waste]:
        """Remove what `waste` has found, except what is needed by now: what is gone.

        Raises:
            StoreError: this client has no store, or cannot write it.
        """
        store = self._reachable_store()
        with reporting_unreachable(self._settings):
            return list(remove_waste(self._records, store, waste))

    def lost_jobs(self) -> list[LostJob]:
        """The jobs that the store knows, and Redis does not. Changes nothing.

        Raises:
            StoreError: this client has no store, or cannot read it.
        """
        store = self._reachable_store()
        with reporting_unreachable(self._settings):
            return find_lost(self._records, store)

    def restore(self, job: LostJob) -> bool:
        """Write the record of a lost job. False when Redis knows it by now."""
        with reporting_unreachable(self._settings):
            return restore(self._records, job)

    def lost_models(self) -> list[LostModel]:
        """What the store knows of models, and Redis does not. Changes nothing.

        Raises:
            StoreError: this client has no store, or cannot read it.
        """
        store = self._reachable_store()
        with reporting_unreachable(self._settings):
            return find_lost_models(self._queue.registry, store)

    def restore_model(self, model: LostModel) -> int:
        """Write what Redis does not know of a model: how many versions have come back."""
        with reporting_unreachable(self._settings):
            return restore_model(self._queue.registry, model)

    def _reachable_store(self) -> Store:
        """The store, if it is there: that of a volume that is not mounted would look empty."""
        store = self._queue.artifacts.store
        if not store.exists(""):
            raise StoreError(
                f"the store {store.shown_url!r} is not there",
                "mount the volume, or correct FITQ_STORE",
            )
        return store
