"""Sweeps in Redis: each change names the version of the record that it was made of."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fitq_shared.new_job import new_id
from fitq_shared.record import UNREADABLE
from fitq_shared.record_reader import RecordReader
from fitq_shared.redis_link import Redis, server_time
from fitq_shared.scripts import Scripts
from fitq_shared.store import Store
from fitq_shared.sweeps.keys import OPEN, SWEEPS, UNKEPT, name_key, sweep_key, trials_key
from fitq_shared.sweeps.record import SweepRecord, Trial
from fitq_shared.sweeps.spec import SweepSpec

log = logging.getLogger(__name__)

FOLDER = "sweeps"


class Sweeps:
    """Reads and changes the records of sweeps."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._scripts = Scripts(redis)
        self._reader = RecordReader(
            *(redis, "sweep", "fitq sweep list", SWEEPS),
            *(sweep_key, name_key, SweepRecord.from_fields),
        )

    def create(
        self, spec: SweepSpec, prove: Callable[[str], str | None], after: Sequence[str] = ()
    ) -> SweepRecord:
        """Write the record of a new sweep; a worker's conductor finds it.

        Args:
            prove: makes the client's signature for a sweep's id, if it signs.
            after: the ids of the jobs that are to succeed before its trials are begun.
        """
        while True:
            sweep_id = new_id()
            record = SweepRecord(
                id=sweep_id,
                name=spec.name,
                owner=spec.owner,
                spec=spec.model_dump(mode="json"),
                spec_hash=spec.digest(),
                state="running",
                version=0,
                created=server_time(self.redis),
                proof=prove(sweep_id),
                after=tuple(after),
            )
            if self.write(record):
                return self.get(sweep_id)

    def write(
        self,
        record: SweepRecord,
        trials: Sequence[Trial] = (),
        *,
        unfinished: bool = True,
        keep: bool = True,
    ) -> bool:
        """Write a change of the record, made of the version that it names, and of these trials.

        Args:
            unfinished: a conductor still has something to do.
            keep: the volume needs a copy of this.

        Returns:
            False when somebody else has changed it since: nothing was written.
        """
        fields = record.to_fields()
        del fields["version"]
        flat = [part for pair in fields.items() for part in pair]
        args = [
            *(record.id, record.version, secrets.token_hex(8), int(unfinished)),
            *(int(keep), repr(record.created), len(flat), *flat),
            *(part for trial in trials for part in (trial.number, trial.to_text())),
        ]
        return self._scripts.run("sweep_write", self._keys(record), args) == "written"

    def get(self, sweep_id: str) -> SweepRecord:
        """The record of this id.

        Raises:
            UnknownJob: there is none, or something else than fitq has written it.
        """
        return self._reader.get(sweep_id)

    def trials(self, sweep_id: str) -> list[Trial]:
        """The trials that there are so far, by number. What is none is passed over."""
        return self.trials_of([sweep_id])[sweep_id]

    def trials_of(self, sweep_ids: Sequence[str]) -> dict[str, list[Trial]]:
        """The trials of each of these sweeps, in one trip."""
        with self.redis.pipeline(transaction=False) as pipe:
            for sweep_id in sweep_ids:
                pipe.hgetall(trials_key(sweep_id))
            answers = pipe.execute()
        return {one: _readable(one, texts) for one, texts in zip(sweep_ids, answers, strict=True)}

    def find(self, reference: str) -> SweepRecord:
        """The sweep that an id, the beginning of one, or a name refers to: the newest of a name.

        Raises:
            UnknownJob: there is none, or several begin like this.
        """
        return self._reader.find(reference)

    def all(self, limit: int | None = None) -> Iterator[SweepRecord]:
        """The records, newest first; what cannot be read is passed over."""
        yield from self._reader.newest(limit)

    def open(self) -> Iterator[SweepRecord]:
        """The sweeps that a conductor has to look after."""
        ids: Any = sorted(self.redis.smembers(OPEN))
        yield from self._reader.several(ids)

    def forget(self, record: SweepRecord) -> bool:
        """Remove the record of a sweep that has ended. False when it goes on, or has changed."""
        outcome = self._scripts.run("sweep_forget", self._keys(record), [record.id, record.version])
        return outcome == "forgotten"

    def restore(self, record: SweepRecord, trials: Sequence[Trial]) -> bool:
        """Write the record of a sweep that Redis has lost. False when Redis knows it."""
        return self.write(replace(record, version=0), trials)

    def unkept(self) -> list[str]:
        """The sweeps whose copy in the volume is to be renewed, at most 100 of them."""
        ids: Any = self.redis.srandmember(UNKEPT, 100)
        return sorted(ids)

    def kept(self, sweep_id: str, version: int) -> str:
        """Say that the volume has a copy of this version: "kept", "changed" or "gone"."""
        return self._scripts.run("sweep_kept", [sweep_key(sweep_id), UNKEPT], [sweep_id, version])

    def _keys(self, record: SweepRecord) -> list[str]:
        sweep, trials = sweep_key(record.id), trials_key(record.id)
        return [sweep, trials, SWEEPS, name_key(record.name), OPEN, UNKEPT]


def _readable(sweep_id: str, texts: Mapping[str, str]) -> list[Trial]:
    """The trials by number; what is none is passed over."""
    found = []
    for number, text in texts.items():
        try:
            trial = Trial.from_text(text)
            if str(trial.number) != number:
                raise ValueError("it has another number")
        except UNREADABLE as error:
            log.warning("passing over trial %s of sweep %s: %s", number, sweep_id, error)
            continue
        found.append(trial)
    return sorted(found, key=lambda trial: trial.number)


def copy_path(sweep_id: str) -> str:
    """Where the store keeps the copy of a sweep's record."""
    return f"{FOLDER}/{sweep_id}/sweep.json"


def keep_copy(store: Store, record: SweepRecord, trials: Sequence[Trial]) -> None:
    """Write the sweep into the volume, for the day on which Redis has lost it.

    Raises:
        StoreError: the volume cannot be written.
    """
    content = {"sweep": record.to_fields(), "trials": [trial.to_text() for trial in trials]}
    store.write(copy_path(record.id), json.dumps(content, indent=1).encode())


def copies(store: Store) -> Iterator[tuple[SweepRecord, list[Trial]]]:
    """The sweeps that the volume knows. What is no sweep is passed over.

    Raises:
        StoreError: the volume cannot be read.
    """
    for path in store.files(FOLDER):
        if not path.endswith("/sweep.json"):
            continue
        try:
            content: Any = json.loads(store.read(f"{FOLDER}/{path}"))
            record = SweepRecord.from_fields(content["sweep"])
            trials = [Trial.from_text(text) for text in content["trials"]]
        except UNREADABLE:
            continue
        if path == f"{record.id}/sweep.json":
            yield record, trials
