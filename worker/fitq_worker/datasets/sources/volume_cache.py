"""The volume's own cache: what an earlier job fetched."""

from __future__ import annotations

from dataclasses import dataclass

from fitq_shared.catalogue import DatasetFacts
from fitq_shared.store import Store
from fitq_worker.datasets import npz
from fitq_worker.datasets.dataset import Arrays
from fitq_worker.datasets.sources.source import SourceUnavailable


def folder(name: str) -> str:
    """The folder of a data set in the store."""
    return f"datasets/{name}"


def cache_path(name: str) -> str:
    """The file in the store that holds the arrays of a data set."""
    return f"{folder(name)}/arrays.npz"


@dataclass(frozen=True)
class VolumeCache:
    """`datasets/<name>/arrays.npz` in the artifact store."""

    store: Store
    name = "the volume's cache"

    def fetch(self, facts: DatasetFacts) -> Arrays:
        """The arrays that an earlier job left.

        Raises:
            SourceUnavailable: none did.
            DamagedSource: the file is not what was written.
            StoreError: the store cannot be read.
        """
        path = cache_path(facts.name)
        if not self.store.exists(path):
            raise SourceUnavailable(f"there is no {self.store.locate(path)} yet")
        with self.store.open(path) as file:
            return npz.read(file, facts)
