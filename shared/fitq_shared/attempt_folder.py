"""The folder of one attempt: the one class that knows the name of every artifact.

An attempt writes only into its own folder, so attempts never meet. The manifest, with the
SHA-256 of each file, is written last; the job's record names the published attempt and its
manifest's sum, so readers find the folder through the record.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fitq_shared.errors import StoreError
from fitq_shared.record import JobRecord
from fitq_shared.store import Store

MANIFEST = "manifest.json"


class AttemptFolder:
    """The artifacts of one attempt of one job, in the store."""

    record = "record.json"
    spec = "spec.json"
    model = "model.keras"
    model_config = "model.json"
    interface = "interface.json"
    summary = "summary.txt"
    check = "check.json"
    history_csv = "history.csv"
    history_json = "history.json"
    metrics = "metrics.json"
    environment = "environment.json"
    log = "log.txt"
    description = "description.json"
    predictions_npz = "predictions.npz"
    predictions_csv = "predictions.csv"
    predictions_head = "predictions_head.json"
    model_plot = "model.png"
    history_plot = "history.png"
    heat_map = "heat_map.png"
    samples = "samples.png"
    predictions_plot = "predictions.png"
    confusion = "confusion.json"
    confusion_plot = "confusion.png"
    trials_json = "trials.json"
    trials_csv = "trials.csv"
    parallel_plot = "parallel.png"
    importance = "importance.json"
    importance_plot = "importance.png"
    promotion = "promotion.json"
    reproduction = "reproduction.json"
    # A folder of artifacts: what another library reads.
    export = "export"
    export_report = "export.json"
    scatter_plot = "scatter.png"
    # A folder of files that are no artifacts: see the worker's checkpoints.py.
    checkpoints = "checkpoints"

    def __init__(self, store: Store, job_id: str, number: int) -> None:
        self._store = store
        self.path = f"jobs/{job_id}/attempt-{number}"

    @classmethod
    def of(cls, store: Store, record: JobRecord) -> AttemptFolder:
        """The folder of a job's newest attempt: the published one, once it has succeeded."""
        return cls(store, record.id, record.attempt)

    @staticmethod
    def named(artifact: str, output: str | None) -> str:
        """An artifact of one of several outputs: confusion-species.png; None: of the only one."""
        if output is None:
            return artifact
        stem, _, suffix = artifact.rpartition(".")
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", output)[:64]
        return f"{stem}-{plain}.{suffix}"

    @property
    def location(self) -> str:
        """Where a person finds the folder."""
        return self._store.locate(self.path)

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return self._store.folder is not None

    @contextlib.contextmanager
    def file(self, name: str) -> Iterator[Path]:
        """A local path to write one artifact to; once the block has ended, the store has it.

        In a store that is no folder of this machine it is a temporary file, which is put there
        at the end of the block, however that ends: as in a folder, what was written is kept.

        Raises:
            StoreError: the store cannot be written.
        """
        if self.is_local:
            yield self.local(name)
            return
        with tempfile.TemporaryDirectory(prefix="fitq-") as folder:
            path = Path(folder) / name
            try:
                yield path
            except BaseException:
                with contextlib.suppress(StoreError):
                    self.upload(path, name)
                raise
            self.upload(path, name)

    def upload(self, path: Path, name: str) -> None:
        """Keep a local file as an artifact, in place of an older one; nothing if it is missing.

        Raises:
            StoreError: the store cannot be written.
        """
        if path.exists():
            self._store.upload(path, f"{self.path}/{name}")

    def local(self, name: str) -> Path:
        """The local path of one artifact, its folder made.

        Raises:
            StoreError: the store is no folder of this machine, or cannot be written.
        """
        if self._store.folder is None:
            raise StoreError(
                f"the store {self._store.shown_url!r} is not a folder of this machine",
                "give the worker a mounted folder as FITQ_STORE",
            )
        self._store.make_folder(self.path)
        return Path(self.location) / name

    def exists(self, name: str) -> bool:
        """Whether an artifact is there."""
        return self._store.exists(f"{self.path}/{name}")

    def read(self, name: str) -> bytes:
        """An artifact's content.

        Raises:
            StoreError: it is not there or cannot be read.
        """
        return self._store.read(f"{self.path}/{name}")

    def write(self, name: str, content: bytes | str) -> None:
        """Write an artifact whole."""
        data = content.encode() if isinstance(content, str) else content
        self._store.write(f"{self.path}/{name}", data)

    def write_json(self, name: str, value: object) -> None:
        """Write an artifact as JSON."""
        self.write(name, json.dumps(value, indent=2, allow_nan=True) + "\n")

    def read_json(self, name: str) -> object:
        """An artifact that is JSON."""
        return json.loads(self.read(name))

    def files(self) -> list[str]:
        """The names of the artifacts that are there, the manifest too.

        Neither checkpoints nor the record's copy are artifacts.
        """
        working = (f"{self.checkpoints}/", self.record)
        return [name for name in self._store.files(self.path) if not name.startswith(working)]

    def seal(self) -> str:
        """Write the manifest of all that is there now.

        Returns:
            The manifest's own SHA-256: what the record keeps when this attempt is published.
        """
        sums = {name: self._sum(name) for name in self.files() if name != MANIFEST}
        self.write_json(MANIFEST, sums)
        return self._sum(MANIFEST)

    def sums(self, manifest: str) -> dict[str, str]:
        """The published sums, by file name.

        Raises:
            StoreError: the manifest is not the one that was published.
        """
        content = self.read(MANIFEST)
        if hashlib.sha256(content).hexdigest() != manifest:
            raise StoreError(
                f"{self.path}/{MANIFEST} is not the one that was published",
                "the volume was changed by something else than fitq: train again",
            )
        return dict(json.loads(content))

    def read_verified(self, name: str, manifest: str) -> bytes:
        """A published artifact, checked against its sum.

        Raises:
            StoreError: it is damaged, missing, or was never published.
        """
        expected = self.sums(manifest).get(name)
        if expected is None:
            raise StoreError(
                f"{self.path}/{name} is not among the artifacts",
                "see what is there with `fitq show`, or run the job again",
            )
        return self.read_checked(name, expected)

    def read_checked(self, name: str, expected: str) -> bytes:
        """An artifact whose sum is known.

        Raises:
            StoreError: it is damaged or missing.
        """
        content = self.read(name)
        if hashlib.sha256(content).hexdigest() != expected:
            raise StoreError(f"{self.path}/{name} is damaged", "run the job again")
        return content

    def _sum(self, name: str) -> str:
        return hashlib.sha256(self.read(name)).hexdigest()
