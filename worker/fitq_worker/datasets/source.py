"""The files of a registered data set, brought from the store onto the local disk."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fitq_shared.dataset_manifest import CodeSource, DatasetManifest
from fitq_shared.datasets import copy_files, read_chunk
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.store import Store

if TYPE_CHECKING:
    from fitq_worker.own_code import OwnCode


RunCode = Callable[[CodeSource, bytes], "OwnCode"]
"""Makes the code of a data set ready to run, given its bundle."""

Obey = Callable[[], None]


def nothing_to_obey() -> None:
    """Where nobody can give orders."""


@dataclass(frozen=True)
class RegisteredFiles:
    """Where the files of one version are.

    Attributes:
        run_code: runs the code that makes the data; None where that cannot be.
        obey: called now and then while the data is fetched and prepared; what it raises ends that.
    """

    store: Store
    ref: DatasetRef
    manifest: DatasetManifest
    run_code: RunCode | None = None
    obey: Obey = nothing_to_obey

    @property
    def name(self) -> str:
        """What the data set is called, for messages: "houses@2"."""
        return str(self.ref)

    def fetch(self, folder: Path) -> None:
        """Put all files into a folder, which is emptied first; each byte is checked by its sum.

        Raises:
            StoreError: a part is not there, cannot be read, or is damaged.
        """
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for _ in copy_files(self.store, self.ref, self.manifest, folder, self.obey):
            pass

    def fetch_stream(self, path: Path) -> None:
        """Put the content of all files, one after the other, into one file.

        What an earlier try has left there is checked, and kept.

        Raises:
            StoreError: a part is not there, cannot be read, or is damaged.
        """
        path.touch()
        with path.open("r+b") as file:
            for chunk in self.manifest.chunks:
                self.obey()
                start = file.tell()
                if hashlib.sha256(file.read(chunk.size)).hexdigest() != chunk.sha256:
                    file.seek(start)
                    file.truncate()
                    file.write(read_chunk(self.store, self.ref, chunk))

    @contextmanager
    def borrowed(self, folder: Path) -> Iterator[Path]:
        """As `fetch`, for as long as the block runs."""
        self.fetch(folder)
        yield folder
        shutil.rmtree(folder)
