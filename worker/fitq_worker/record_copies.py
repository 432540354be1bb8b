"""Renews the copy of a record in the volume when its job has ended, whoever has ended it; and that
of a model or a sweep when it has changed."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import redis

from fitq_shared import registry_copies, snapshots
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.changes import Changes
from fitq_shared.errors import StoreError, UnknownJob
from fitq_shared.records import Records
from fitq_shared.redis_link import open_redis
from fitq_shared.registry import Registry
from fitq_shared.sweeps.records import Sweeps, copy_path, keep_copy
from fitq_worker.fork_guard import fork_guard
from fitq_worker.parent_thread import ParentThread
from fitq_worker.seldom import Seldom
from fitq_worker.volume import open_volume

if TYPE_CHECKING:
    from fitq_shared.record import JobRecord
    from fitq_shared.settings import Settings

log = logging.getLogger(__name__)

PERIOD_SECONDS = 1.0
LAST_LOOK_SECONDS = 5.0


class RecordCopies(ParentThread):
    """A thread of the parent: Redis knows which copies are old, so none is forgotten.

    It is not the reaper's work, since a volume may hang for as long as it likes. It has one last
    look when it is told to stop, which such a volume does not hold up for long.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__("fitq-copies", LAST_LOOK_SECONDS)
        self._records = Records(open_redis(settings))
        self._changes = Changes(self._records)
        self._registry = Registry(self._records.redis)
        self._sweeps = Sweeps(self._records.redis)
        self._store = open_volume(settings)
        self._seldom = Seldom()

    def _run(self) -> None:
        left = False
        while not left:
            left = self._leave.wait(PERIOD_SECONDS)
            try:
                with fork_guard:
                    unkept = list(self._changes.unkept())
                    changed = list(self._registry.unkept())
                    sweeps = self._sweeps.unkept()
                for job_id in unkept:
                    self._renew(job_id)
                for name in changed:
                    self._renew_model(name)
                for sweep_id in sweeps:
                    self._renew_sweep(sweep_id)
            except (StoreError, redis.RedisError) as error:
                if self._seldom.due(time.monotonic()):
                    log.warning("the copies of records in the volume must wait: %s", error)
            except Exception:
                log.exception("the copies of records in the volume must wait")

    def _renew(self, job_id: str) -> None:
        try:
            with fork_guard:
                record = self._records.get(job_id)
        except UnknownJob:
            with fork_guard:
                self._changes.kept(job_id, None, 0)
            return
        snapshots.keep(self._store, record)
        with fork_guard:
            outcome = self._changes.kept(job_id, record.state, record.attempt)
        if outcome == "gone":
            self._take_back(record)

    def _renew_model(self, name: str) -> None:
        with fork_guard:
            copy = registry_copies.copy_of(self._registry, name)
        registry_copies.keep(self._store, copy)
        with fork_guard:
            self._registry.kept(name, copy.revision)

    def _renew_sweep(self, sweep_id: str) -> None:
        try:
            with fork_guard:
                record, trials = self._sweeps.get(sweep_id), self._sweeps.trials(sweep_id)
        except UnknownJob:
            with fork_guard:
                self._sweeps.kept(sweep_id, 0)
            return
        keep_copy(self._store, record, trials)
        with fork_guard:
            outcome = self._sweeps.kept(sweep_id, record.version)
        if outcome == "gone":
            self._store.remove(copy_path(sweep_id))

    def _take_back(self, record: JobRecord) -> None:
        """Remove the copy where nothing else is left: `fitq rm` has removed the job meanwhile.

        Where more is left, it is Redis that has lost the job, and the copy is needed.
        """
        folder = f"jobs/{record.id}"
        if self._store.files(folder) == [f"attempt-{record.attempt}/{AttemptFolder.record}"]:
            self._store.remove_tree(folder)
