from __future__ import annotations

import pytest

from fitq_shared.catalogue import DatasetFacts
from fitq_shared.errors import StoreError
from fitq_shared.store import Store
from fitq_worker.datasets import npz
from fitq_worker.datasets.dataset import Arrays, check
from fitq_worker.datasets.sources.source import DamagedSource, SourceUnavailable
from fitq_worker.datasets.sources.volume_cache import VolumeCache, cache_path


def test_the_cache_gives_what_was_kept(facts: DatasetFacts, arrays: Arrays, store: Store) -> None:
    store.write(cache_path(facts.name), npz.pack(arrays))
    check(facts, VolumeCache(store).fetch(facts))


def test_an_empty_volume_says_where_it_looked(facts: DatasetFacts, store: Store) -> None:
    with pytest.raises(SourceUnavailable, match=r"there is no .*/datasets/made_up/arrays\.npz yet"):
        VolumeCache(store).fetch(facts)


def test_a_file_that_cannot_be_read_is_the_store_s_failure(
    facts: DatasetFacts, store: Store
) -> None:
    # Given a folder in the place of the file
    store.write(f"{cache_path(facts.name)}/file", b"")

    # When it is fetched, then the reason is the store's
    with pytest.raises(StoreError, match="cannot read"):
        VolumeCache(store).fetch(facts)


def test_a_damaged_file_is_told_apart(facts: DatasetFacts, store: Store) -> None:
    store.write(cache_path(facts.name), b"?")
    with pytest.raises(DamagedSource):
        VolumeCache(store).fetch(facts)
