from __future__ import annotations

import pytest

from fitq_shared.catalogue import DATASETS
from fitq_shared.errors import BadJob
from fitq_worker.datasets.registry import KNOWN, find


def test_every_data_set_of_the_catalogue_is_known() -> None:
    assert {name: known.facts for name, known in KNOWN.items()} == DATASETS


def test_sources_have_names_of_their_own() -> None:
    for known in KNOWN.values():
        names = [source.name for source in known.sources]
        assert len(set(names)) == len(names)


def test_an_unknown_name_is_the_users_mistake() -> None:
    with pytest.raises(BadJob, match="no data set 'cifar'") as caught:
        find("cifar")
    assert caught.value.hint == "choose one of fashion_mnist, mnist"
