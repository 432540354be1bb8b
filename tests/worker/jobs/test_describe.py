from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fitq.queue import Queue
from fitq_shared.attempt_folder import MANIFEST, AttemptFolder
from fitq_shared.catalogue import DATASETS
from fitq_shared.record import JobRecord


@pytest.mark.parametrize("dataset", sorted(DATASETS))
def test_a_data_set_is_measured_and_drawn(
    client: Queue, fill: Any, finish: Callable[..., JobRecord], dataset: str
) -> None:
    # When a data set is described
    record = finish(fill(kind="describe", dataset=dataset))
    # Then its folder has the numbers and the pictures
    folder = client.folder(record)
    assert set(folder.files()) == {
        AttemptFolder.spec,
        AttemptFolder.log,
        AttemptFolder.description,
        AttemptFolder.samples,
        AttemptFolder.heat_map,
        MANIFEST,
    }
    for name in (AttemptFolder.samples, AttemptFolder.heat_map):
        assert folder.read(name).startswith(b"\x89PNG")
    assert record.metrics == {"train_rows": 60_000, "test_rows": 10_000}
    # And the volume keeps the arrays and the description for those who come later
    kept = client.store.files(f"datasets/{dataset}")
    assert "arrays.npz" in kept
    described = json.loads(folder.read(AttemptFolder.description))
    others = [name for name in kept if name.endswith(".json")]
    assert others
    assert json.loads(client.store.read(f"datasets/{dataset}/{others[0]}")) == described
