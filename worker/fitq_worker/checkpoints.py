"""Checkpoints: the files from which a training goes on as if it had never stopped.

A checkpoint is one file, written whole: `<epoch>-<batch>-<sum>.npz` in the attempt's folder
`checkpoints`. Its name tells where the training goes on, and the SHA-256 of its content. An attempt
keeps its newest two. It writes into its own folder only, and reads those of the attempts before.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fitq_shared.archives import BadArchive, open_archive
from fitq_shared.array_files import DAMAGE, read_npy
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import InvalidInput, StoreError

if TYPE_CHECKING:
    from fitq_shared.record import JobRecord
    from fitq_shared.store import Store

log = logging.getLogger("fitq.job")

# The form of the content: a checkpoint of another form is passed over.
FORMAT = 1
KEPT = 2
MOST_ARRAYS = 100_000

_NAME = re.compile(r"(\d+)-(\d+)-([0-9a-f]{64})\.npz")

NamedArrays = list[tuple[str, NDArray[Any]]]


class Unusable(Exception):
    """A checkpoint from which this job cannot go on; the text completes "it is ..."."""


@dataclass(frozen=True, order=True)
class Position:
    """Where a training goes on: how many epochs are over, and how many batches of the next."""

    epoch: int = 0
    batch: int = 0

    def __str__(self) -> str:
        """As people count: from 1."""
        batch = f", batch {self.batch + 1}" if self.batch else ""
        return f"epoch {self.epoch + 1}{batch}"


@dataclass(frozen=True)
class Checkpoint:
    """All that a training was made of at one position.

    Attributes:
        spec_hash: the digest of the spec that was trained.
        threads: how many threads one operation used: it changes the last digits.
        over: whether no epoch follows.
        history: the rows of the history up to there.
        seconds: how long the epoch that has begun has taken so far.
        stopping: the numbers that early stopping goes by, if there is early stopping.
        arrays: variables by their paths in the model, in groups: `model` (weights and the states
            of seed generators), `optimizer`, `metrics` (within an epoch only), `best` (the best
            weights so far, which have no paths).
        callbacks: what each callback that came with the model remembers.
    """

    position: Position
    spec_hash: str
    threads: int
    over: bool
    history: list[dict[str, float]]
    seconds: float
    stopping: dict[str, Any] | None
    arrays: Mapping[str, NamedArrays]
    callbacks: list[dict[str, Any]] = field(default_factory=list)

    def pack(self) -> bytes:
        """The checkpoint as the bytes of an .npz file, without any pickle."""
        facts = {
            "format": FORMAT,
            "epoch": self.position.epoch,
            "batch": self.position.batch,
            "spec_hash": self.spec_hash,
            "threads": self.threads,
            "over": self.over,
            "history": self.history,
            "seconds": self.seconds,
            "stopping": self.stopping,
            "callbacks": self.callbacks,
            "names": {group: [name for name, _ in named] for group, named in self.arrays.items()},
        }
        arrays: dict[str, Any] = {
            f"{group}/{index}": value
            for group, named in self.arrays.items()
            for index, (_, value) in enumerate(named)
        }
        content = io.BytesIO()
        np.savez(content, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8), **arrays)
        return content.getvalue()

    @classmethod
    def unpack(cls, content: bytes) -> Checkpoint:
        """Read what `pack` wrote.

        Raises:
            Unusable: it is no checkpoint, or one of another form.
        """
        try:
            # Nothing is packed, so no archive bomb grows beyond the file.
            with open_archive(io.BytesIO(content), len(content), MOST_ARRAYS) as archive:
                facts = json.loads(_array(archive, "facts").tobytes())
                if facts["format"] != FORMAT:
                    raise Unusable(f"of form {facts['format']}, expected {FORMAT}")
                return cls(
                    position=Position(facts["epoch"], facts["batch"]),
                    spec_hash=facts["spec_hash"],
                    threads=facts["threads"],
                    over=facts["over"],
                    history=facts["history"],
                    seconds=facts["seconds"],
                    stopping=facts["stopping"],
                    arrays={
                        group: [
                            (name, _array(archive, f"{group}/{i}")) for i, name in enumerate(names)
                        ]
                        for group, names in facts["names"].items()
                    },
                    callbacks=facts.get("callbacks", []),
                )
        except (*DAMAGE, BadArchive, InvalidInput, LookupError, TypeError, AttributeError) as error:
            raise Unusable("no checkpoint") from error


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    member = archive.getinfo(f"{name}.npy")
    with archive.open(member) as content:
        return read_npy(content, name, member.file_size)


class CheckpointFolder:
    """The checkpoints of one attempt."""

    def __init__(self, store: Store, job_id: str, number: int) -> None:
        self.number = number
        self.path = f"{AttemptFolder(store, job_id, number).path}/{AttemptFolder.checkpoints}"
        self._store = store

    def positions(self) -> dict[str, Position]:
        """The names of the checkpoints that are there, with their positions, the newest first."""
        names = [m for m in map(_NAME.fullmatch, self._store.files(self.path)) if m]
        found = {name.group(): Position(int(name[1]), int(name[2])) for name in names}
        return dict(sorted(found.items(), key=lambda item: (item[1], item[0]), reverse=True))

    def write(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint and the one before it.

        Raises:
            StoreError: it cannot be written. What cannot be removed is only logged.
        """
        content = checkpoint.pack()
        position, digest = checkpoint.position, hashlib.sha256(content).hexdigest()
        name = f"{position.epoch:05d}-{position.batch:05d}-{digest}.npz"
        self._store.write(f"{self.path}/{name}", content)
        for old in list(self.positions())[KEPT:]:
            self._remove(old)

    def read(self, name: str) -> Checkpoint:
        """One checkpoint, checked against the sum in its name.

        Raises:
            Unusable: it is damaged, or has gone.
            StoreError: it cannot be read.
        """
        try:
            content = self._store.read(f"{self.path}/{name}")
        except StoreError as error:
            # An attempt that is outdated may still tidy up its own folder.
            if error.passing:
                raise
            raise Unusable("gone") from error
        if hashlib.sha256(content).hexdigest() not in name:
            raise Unusable("damaged")
        return Checkpoint.unpack(content)

    def clear(self) -> None:
        """Remove all that is there, what a killed writer left too."""
        for name in self._store.files(self.path):
            self._remove(name)
        if self._store.folder:
            with contextlib.suppress(OSError):
                (self._store.folder / self.path).rmdir()

    def _remove(self, name: str) -> None:
        try:
            self._store.remove(f"{self.path}/{name}")
        except StoreError as error:
            log.warning("an old checkpoint stays: %s", error.message)


def newest_first(store: Store, record: JobRecord) -> Iterator[tuple[int, Checkpoint]]:
    """The checkpoints that this job may go on from, each with the number of its attempt.

    Those that cannot be used are logged and passed over.

    Raises:
        StoreError: the volume cannot be read.
    """
    attempts = range(record.first_attempt, record.attempt + 1)
    folders = [CheckpointFolder(store, record.id, number) for number in attempts]
    found = [
        (position, folder.number, name, folder)
        for folder in folders
        for name, position in folder.positions().items()
    ]
    for _, number, name, folder in sorted(found, key=lambda one: one[:3], reverse=True):
        try:
            checkpoint = folder.read(name)
            if checkpoint.spec_hash != record.spec_hash:
                raise Unusable("of another spec")
        except Unusable as error:
            log.warning("checkpoint %s/%s is %s: using the one before", folder.path, name, error)
        else:
            yield number, checkpoint


def remove_checkpoints(store: Store, record: JobRecord) -> None:
    """Remove the checkpoints of all attempts of a job, which it needs no more.

    What cannot be removed stays, and is logged: it does no harm to a job that has ended.
    """
    for number in range(1, record.attempt + 1):
        folder = CheckpointFolder(store, record.id, number)
        try:
            folder.clear()
        except StoreError as error:
            log.warning("the checkpoints of attempt %s stay: %s", number, error.message)
