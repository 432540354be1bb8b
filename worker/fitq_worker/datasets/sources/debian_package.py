"""Data sets that Debian packages, without installing the package."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fitq_shared.catalogue import DatasetFacts
from fitq_worker.datasets import idx
from fitq_worker.datasets.dataset import Arrays
from fitq_worker.datasets.sources.program import run
from fitq_worker.datasets.sources.source import SourceUnavailable

APT = (
    "apt-get",
    "-qq",
    "-oAcquire::Retries=1",
    "-oAcquire::http::Timeout=10",
    "-oAcquire::https::Timeout=10",
)
SECONDS = 180.0


@dataclass(frozen=True)
class DebianPackage:
    """IDX files packed with gzip in a Debian package.

    Attributes:
        package: the package.
        folder: the folder of the files in it.
    """

    package: str
    folder: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"Debian's package {self.package}"

    def fetch(self, facts: DatasetFacts) -> Arrays:
        """Download the package, unpack it into a temporary folder, and read the files.

        Where that fails for root, as in a container without apt's lists, the lists are
        fetched and it is tried once more. Other users' lists are theirs to update.

        Raises:
            SourceUnavailable: no apt-get or dpkg, no network, or apt knows no such package.
            DamagedSource: the package holds something else.
        """
        with tempfile.TemporaryDirectory(prefix="fitq-") as work:
            folder = Path(work)
            self._download(folder)
            for package in folder.glob("*.deb"):
                run(["dpkg", "-x", str(package), "unpacked"], folder, SECONDS)
            return idx.read_folder(folder / "unpacked" / self.folder, facts)

    def _download(self, folder: Path) -> None:
        download = [*APT, "download", self.package]
        try:
            run(download, folder, SECONDS)
        except SourceUnavailable as error:
            if os.getuid() != 0:
                advice = "its lists may be empty: root can run `apt-get update`"
                raise SourceUnavailable(f"{error} ({advice})") from error
            run([*APT, "update"], folder, SECONDS)
            run(download, folder, SECONDS)
