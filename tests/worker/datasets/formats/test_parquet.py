from __future__ import annotations

import io
import sys
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fitq_shared.dataset_manifest import Column
from fitq_shared.errors import BadJob
from fitq_shared.store import Store
from fitq_worker.datasets.registered import Choice, load_registered
from fitq_worker.examples import Field
from support.registered import register


def parquet(**columns: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, row_group_size=2)
    return buffer.getvalue()


HOUSES = parquet(
    area=[50.5, None, 60],
    rooms=pa.array([2, 3, 4], pa.int16()),
    cost=[Decimal("1.5"), Decimal("2.5"), Decimal("3.5")],
    garden=[True, False, None],
    town=pa.array(["Ulm", None, "Bonn"]).dictionary_encode(),
    built=[date(1970, 1, 2), None, date(1970, 1, 3)],
    sold=pa.array([datetime(1970, 1, 1, 12)] * 3, pa.timestamp("ns", "UTC")),
    note=["a", "b", None],
    price=[1.0, 2.0, 3.0],
)


def test_types_that_nobody_declared_are_those_of_the_file(store: Store) -> None:
    # Given a client that has only declared the target
    columns = [Column(name="price", type=None, role="target")]
    ref = register(store, "parquet", {"a.parquet": HOUSES}, columns, complete=False)
    # When it is loaded
    examples = load_registered(ref, store, "train")
    # Then each other column is an input of its type
    number, category = Field((), "float32"), Field((), "str", kind="category")
    text = Field((), "str", kind="text")
    assert examples.inputs == {
        **dict.fromkeys(["area", "rooms", "cost", "built", "sold"], number),
        **dict.fromkeys(["garden", "town"], category),
        "note": text,
    }
    assert examples.targets == {"price": number}
    # And a null is a missing value
    inputs, targets = examples.read(np.array([1, 2, 0]))
    expected: dict[str, list[Any]] = {
        "area": [np.nan, 60, 50.5],
        "rooms": [3, 4, 2],
        "cost": [2.5, 3.5, 1.5],
        "garden": ["False", "", "True"],
        "town": ["", "Bonn", "Ulm"],
        "built": [np.nan, 2, 1],
        "sold": [0.5, 0.5, 0.5],
        "note": ["b", "", "a"],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(inputs[name], np.array(values, inputs[name].dtype), name)
    assert targets["price"].tolist() == [2, 3, 1]


def test_declared_types_and_classes_count(store: Store) -> None:
    columns = [
        Column(name="rooms", type="category"),
        Column(name="town", type="category", role="target", classes=["Ulm", "Bonn"]),
        Column(name="note", type="text"),
        Column(name="warm", type="category", role="target", classes=["False", "True"]),
    ]
    content = parquet(
        rooms=[2, 10, 2],
        town=["Bonn", "Ulm", "Bonn"],
        note=["x", "y", "z"],
        warm=[True, False, True],
    )
    ref = register(store, "parquet", {"a.parquet": content}, columns)
    examples = load_registered(ref, store, "train")
    inputs, targets = examples.read(np.arange(3))
    assert inputs["rooms"].tolist() == ["2", "10", "2"]
    assert targets["town"].tolist() == [1, 0, 1]
    assert targets["warm"].tolist() == [1, 0, 1]
    assert examples.inputs["note"].kind == "text"


def test_values_that_do_not_fit_are_named(store: Store) -> None:
    # Given a text that should be numbers, a class that is not declared, a missing target, a NaN
    content = parquet(a=["x", "y"], b=["S", "M"], c=[1.0, None], d=[float("nan"), 1.0])
    columns = [
        Column(name="a", type="number"),
        Column(name="b", type="category", role="target", classes=["S"]),
        Column(name="c", type="number", role="target"),
        Column(name="d", type="number"),
    ]
    ref = register(store, "parquet", {"a.parquet": content}, columns)
    # When they are loaded, then all of them are named
    with pytest.raises(BadJob) as failed:
        load_registered(ref, store, "train")
    for words in (
        "the column 'a' is string, not numbers",
        "the column 'b' holds its declared classes, but also: 'M' in row 1",
        "'c' of the train split has values that are missing, but is a target: row 1",
        "'d' of the train split has values that are NaN or infinite: row 0",
    ):
        assert words in failed.value.message
    # And a job that does not use them is not kept from its work
    assert len(load_registered(ref, store, "train", Choice(inputs=["c"], targets=[]))) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PAR1 is what it begins with", "cannot be read as Parquet"),
        (HOUSES[: len(HOUSES) // 2], "cannot be read as Parquet"),
        (parquet(other=[1]), r"no column 'price': it has 'other'"),
    ],
)
def test_what_is_no_such_table_is_refused(store: Store, content: bytes, reason: str) -> None:
    columns = [Column(name="price", type=None, role="target")]
    ref = register(store, "parquet", {"a.parquet": content}, columns, complete=False)
    with pytest.raises(BadJob, match=reason):
        load_registered(ref, store, "train")


def test_a_worker_without_pyarrow_says_how_to_get_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    ref = register(store, "parquet", {"a.parquet": HOUSES}, [], complete=False)
    with pytest.raises(BadJob, match="no pyarrow") as failed:
        load_registered(ref, store, "train")
    assert "fitq-worker[parquet]" in failed.value.hint
