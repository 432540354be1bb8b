"""Load a data set by its name: from the volume's cache, else from wherever it can be had."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NoReturn

from fitq_shared.errors import JobError, StoreError
from fitq_shared.store import Store
from fitq_worker.datasets import npz
from fitq_worker.datasets.dataset import Arrays, Dataset, check
from fitq_worker.datasets.known import KnownDataset
from fitq_worker.datasets.lock import alone
from fitq_worker.datasets.registry import find
from fitq_worker.datasets.sources.source import DamagedSource, Source, SourceUnavailable
from fitq_worker.datasets.sources.volume_cache import VolumeCache, cache_path, folder

log = logging.getLogger(__name__)


def load(name: str, store: Store) -> Dataset:
    """The data set of this name, its arrays checked against the catalogue's sums.

    The first load fills `datasets/<name>/arrays.npz` in the store, later ones read it. May
    import Keras, so it belongs into the process that trains.

    Raises:
        BadJob: there is no such data set.
        JobError: no source has it; names each source and its reason.
        StoreError: the same, but the volume failed, and may have it.
    """
    return load_known(find(name), store)


def load_known(known: KnownDataset, store: Store) -> Dataset:
    """As `load`, for a data set that need not be in the registry.

    Where the store is a local folder, of several workers that start together one fetches
    and the others wait for its cache. Elsewhere each may fetch; none sees a part of a file.

    Raises:
        JobError, StoreError: as `load`.
    """
    search = _Search(known)
    cache = VolumeCache(store)
    arrays = search.first(cache)
    if arrays is None:
        with alone(_lock_file(store, known.facts.name)):
            arrays = search.first(cache)
            if arrays is None:
                arrays = search.first(*known.sources) or search.give_up()
                _keep(arrays, known.facts.name, store)
    return Dataset(known.facts, **arrays)


class _Search:
    """One hunt through the sources, which remembers why each of them failed."""

    def __init__(self, known: KnownDataset) -> None:
        self._known = known
        self._failures: dict[str, str] = {}
        self._fault: StoreError | None = None

    def first(self, *sources: Source) -> Arrays | None:
        """The checked arrays of the first source that has them, or None."""
        for source in sources:
            try:
                arrays = source.fetch(self._known.facts)
                check(self._known.facts, arrays)
            except (DamagedSource, StoreError) as error:
                self._note(source, error, logging.WARNING)
                if isinstance(error, StoreError) and error.passing:
                    self._fault = error
            except SourceUnavailable as error:
                self._note(source, error, logging.INFO)
            else:
                log.info("data set %s: from %s", self._known.facts.name, source.name)
                return arrays
        return None

    def give_up(self) -> NoReturn:
        """Raise the error that names every source and its reason, or the volume's fault."""
        if self._fault:
            raise self._fault
        name = self._known.facts.name
        reasons = "".join(f"\n- {source}: {why}" for source, why in self._failures.items())
        raise JobError(f"the data set {name!r} cannot be had:{reasons}", self._known.remedy)

    def _note(self, source: Source, error: Exception, level: int) -> None:
        reason = str(error)
        if self._failures.get(source.name) != reason:
            self._failures[source.name] = reason
            log.log(level, "data set %s: %s: %s", self._known.facts.name, source.name, reason)


def _lock_file(store: Store, name: str) -> Path | None:
    return store.folder / folder(name) / ".lock" if store.folder else None


def _keep(arrays: Arrays, name: str, store: Store) -> None:
    """Write the volume's cache; where that fails, the job goes on with what it has."""
    try:
        store.write(cache_path(name), npz.pack(arrays))
    except StoreError as error:
        log.warning("data set %s: not kept for the next job: %s", name, error)
