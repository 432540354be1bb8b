from __future__ import annotations

import numpy as np
import pytest

from fitq_shared.dataset_manifest import Column
from fitq_shared.errors import BadJob
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.store import Store
from fitq_worker.datasets.registered import load_registered
from fitq_worker.examples import Field
from support.registered import register


def reviews(store: Store, files: dict[str, bytes]) -> DatasetRef:
    columns = [
        Column(name="text", type="text"),
        Column(name="class", type="category", role="target", classes=["bad", "good"]),
    ]
    labels = {path: int("good" in path) for path in files}
    splits = {path: path.split("/")[0] for path in files}
    return register(store, "texts", files, columns, labels=labels, splits=splits, piece=7)


def test_each_file_is_a_text_with_its_class(store: Store) -> None:
    # Given texts with line breaks, with a byte order mark, and empty ones
    files = {
        "train/bad/1.txt": "Oh nö\n".encode(),
        "test/bad/1.txt": b"other",
        "train/bad/2.txt": b"",
        "train/good/1.txt": "\ufeffYes".encode(),
    }
    # When they are loaded
    examples = load_registered(reviews(store, files), store, "train")
    # Then they come in any order
    assert examples.inputs == {"text": Field((), "str", kind="text")}
    inputs, targets = examples.read(np.array([2, 1, 0]))
    assert inputs["text"].tolist() == ["Yes", "", "Oh nö\n"]
    assert targets["class"].tolist() == [1, 0, 0]


def test_files_that_are_not_utf_8_are_named(store: Store) -> None:
    files = {"train/bad/1.txt": b"fine", "train/good/1.txt": "schön".encode("latin-1")}
    with pytest.raises(BadJob, match=r"not UTF-8: 'train/good/1.txt' at byte 3"):
        load_registered(reviews(store, files), store, "train")
