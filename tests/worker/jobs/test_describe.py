from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fitq.data.registering import add
from fitq.data.source import Declared
from fitq.queue import Queue
from fitq_shared.attempt_folder import MANIFEST, AttemptFolder
from fitq_shared.catalogue import DATASETS
from fitq_shared.dataset_manifest import chunk_path
from fitq_shared.record import JobRecord
from fitq_shared.specs.base import JobSpec


@pytest.mark.parametrize("dataset", sorted(DATASETS))
def test_a_data_set_is_measured_and_drawn(
    client: Queue, fill: Any, finish: Callable[..., JobRecord], dataset: str
) -> None:
    # When a data set is described
    record = finish(fill(kind="describe", dataset=dataset))
    # Then its folder has the numbers and the pictures
    folder = client.artifacts.folder(record)
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
    kept = client.artifacts.store.files(f"datasets/{dataset}")
    assert "arrays.npz" in kept
    described = json.loads(folder.read(AttemptFolder.description))
    others = [name for name in kept if name.endswith(".json")]
    assert others
    assert json.loads(client.artifacts.store.read(f"datasets/{dataset}/{others[0]}")) == described


def test_data_that_a_client_has_registered_is_measured(
    queue: Queue, finish: Callable[..., JobRecord], fill: Callable[..., JobSpec], tmp_path: Path
) -> None:
    # Given a table, registered as a person does
    table = tmp_path / "houses.csv"
    table.write_text("rooms,fast\n3,yes\n2,no\n5,yes\n")
    declared = Declared(targets=("fast",))
    add(queue.artifacts.store, "measured", str(table), declared, "ann", lambda *_: None)
    # When a job is to describe it, by its name
    record = finish(fill(kind="describe", dataset="measured"))
    # Then it says what is in it
    assert record.summary == "measured@1"
    assert record.metrics == {"train_rows": 3}
    found = queue.artifacts.folder(record).read_json(AttemptFolder.description)
    assert found["counts"]["fast"]["train"] == {"no": 1, "yes": 2}


def test_a_chunk_that_was_damaged_in_the_store_fails_the_job_with_what_to_do(
    queue: Queue, finish: Callable[..., JobRecord], fill: Callable[..., JobSpec], tmp_path: Path
) -> None:
    # Given a registered table of which a letter is another by now
    table = tmp_path / "damaged.csv"
    table.write_text("a,b\n1,2\n")
    added = add(queue.artifacts.store, "damaged", str(table), Declared(), "ann", lambda *_: None)
    [chunk] = added.manifest.chunks
    queue.artifacts.store.write(chunk_path(chunk.sha256), b"a,b\n1,3\n")
    # When a job reads it
    record = finish(fill(kind="describe", dataset="damaged"), "failed")
    # Then it says which file is damaged, and how to mend it
    assert record.reason is not None
    assert "does not have the sum that is its name" in record.reason.message
    assert "fitq datasets add" in record.reason.hint
