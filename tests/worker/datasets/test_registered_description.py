from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fitq_shared.dataset_manifest import Column
from fitq_shared.datasets import description_path
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.store import Store
from fitq_worker.datasets.description import write_description
from fitq_worker.datasets.prepared import prepare
from fitq_worker.datasets.registered_description import describe_registered
from support.registered import npz, register


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITQ_CACHE", str(tmp_path / "cache"))


def described(store: Store, ref: DatasetRef) -> dict[str, Any]:
    """What is said of it, as it comes out of JSON."""
    asked: list[None] = []
    found = describe_registered(ref, prepare(ref, store, None), lambda: asked.append(None))
    write_description(found, description_path(ref.manifest), store)
    return dict(json.loads(store.read(description_path(ref.manifest))))


def column(found: dict[str, Any], name: str) -> dict[str, Any]:
    return dict(next(one for one in found["columns"] if one["name"] == name))


def test_a_table_is_measured(store: Store) -> None:
    # Given a table with missing values, in two splits
    files = {
        "a.csv": b"size,town,note,price\n1,Ulm,ab,10\n?,Bonn,,30\n5,Ulm,abcd,20\n",
        "t.csv": b"size,town,note,price\n2,Ulm,x,5\n",
    }
    columns = [
        Column(name="size", type="number", may_miss=True),
        Column(name="town", type="category"),
        Column(name="note", type="text"),
        Column(name="price", type="number", role="target"),
    ]
    splits = {"a.csv": "train", "t.csv": "test"}
    ref = register(store, "csv", files, columns, splits=splits, missing=["?"])
    # When it is described
    found = described(store, ref)
    # Then rows, types, ranges, missing values and counts are those of the table
    assert (found["name"], found["rows"]) == ("mine@1", {"train": 3, "test": 1})
    assert found["title"] == "3 train rows, 1 test rows"
    size = column(found, "size")
    assert (size["role"], size["kind"], size["dtype"]) == ("input", "number", "float32")
    assert size["splits"]["train"] == {
        **{"missing": 1, "measured": 3, "not_finite": 1},
        **{"min": 1.0, "max": 5.0, "mean": 3.0, "std": 2.0},
    }
    assert column(found, "note")["splits"]["train"]["max"] == 4
    assert column(found, "price")["splits"]["test"]["mean"] == 5
    assert found["counts"] == {
        "town": {"train": {"Bonn": 1, "Ulm": 2}, "test": {"Bonn": 0, "Ulm": 1}}
    }


def test_figures_of_many_batches_are_those_of_all_values(store: Store) -> None:
    # Given more rows than are read at once, with an offset that is hard on sums of squares
    values = np.random.default_rng(1).normal(1e4, 1, (20_000, 3))
    columns = [Column(name="x", type="array", arrays={"train": "x"})]
    ref = register(store, "npz", {"a.npz": npz(x=values)}, columns, piece=2**20)
    # When they are measured
    measured = column(described(store, ref), "x")["splits"]["train"]
    # Then it is as if they were measured together
    assert measured["measured"] == 20_000
    assert measured["mean"] == pytest.approx(values.mean(), rel=1e-12)
    assert measured["std"] == pytest.approx(values.std(), rel=1e-9)
    assert (measured["min"], measured["max"]) == (values.min(), values.max())


def test_columns_of_no_use_are_described_with_what_is_wrong(store: Store) -> None:
    # Given a column of mixed types
    columns = [Column(name="size", type="number"), Column(name="n", type="number")]
    ref = register(store, "csv", {"a.csv": b"size,n\n1,1\nbig,2\n"}, columns)
    # When it is described
    found = described(store, ref)
    # Then what is wrong is said, and the others are measured
    assert column(found, "size")["faults"] == [
        "the column 'size' holds numbers, but also: 'big' in line 3"
    ]
    assert column(found, "n")["splits"]["train"]["max"] == 2


def test_images_are_measured_unless_they_have_several_sizes(store: Store) -> None:
    def png(value: int, side: int) -> bytes:
        buffer = io.BytesIO()
        Image.new("L", (side, side), value).save(buffer, "PNG")
        return buffer.getvalue()

    def pictures(*sides: int) -> DatasetRef:
        files = {f"{side}/{at}.png": png(100 * at, side) for at, side in enumerate(sides)}
        label = Column(name="class", type="category", role="target", classes=["a", "b"])
        columns = [Column(name="image", type="image"), label]
        return register(store, "images", files, columns, labels=dict.fromkeys(files, 1))

    # When images of one size are described, then their pixels are measured
    found = described(store, pictures(4, 4))
    image = column(found, "image")
    assert (image["kind"], image["shape"]) == ("image", [4, 4, 3])
    assert image["splits"]["train"]["max"] == 100
    assert found["counts"]["class"]["train"] == {"a": 0, "b": 2}
    # When they have several, then two are named
    image = column(described(store, pictures(4, 5)), "image")
    assert "resize: 4/0.png is 4 × 4 (height × width), but 5/1.png is 5 × 5" in image["faults"][0]
