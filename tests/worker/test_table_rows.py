"""CSV rows to predict, as a model takes them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitq_shared.dataset_manifest import DatasetManifest
from fitq_shared.errors import BadJob, StoreError
from fitq_shared.specs.predict import TableRows
from fitq_shared.store import Store
from fitq_worker.interface import Input, Interface
from fitq_worker.table_rows import read_table

Read = Callable[..., dict[str, Any]]

HOMES = Interface(
    (
        Input("area", (), "float64", "number", None, ("area",)),
        Input("rooms", (), "int64", "number", None, ("rooms",)),
        Input("city", (), "str", "text", None, ("city",)),
    ),
    (),
)
MANIFEST = DatasetManifest.model_validate(
    {
        "format": "csv",
        "files": [{"path": "homes.csv", "size": 1}],
        "chunks": [{"sha256": "0" * 64, "size": 1}],
        "missing": ["-"],
        "columns": [
            {"name": "area", "type": "number", "may_miss": True},
            {"name": "rooms", "type": "number"},
            {"name": "city", "type": "category", "may_miss": True},
            {"name": "sold", "type": "date", "format": "%d.%m.%Y"},
        ],
    }
)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The columns that a model takes of this file."""
    store = Store(str(tmp_path / "store"))

    def run(
        content: bytes,
        interface: Interface = HOMES,
        manifest: DatasetManifest | None = None,
        separator: str = ",",
    ) -> dict[str, Any]:
        sha256 = hashlib.sha256(content).hexdigest()
        path = f"inputs/{sha256}.csv"
        store.write(path, content)
        rows = TableRows(path=path, sha256=sha256, file="rows.csv", separator=separator)
        examples = read_table(store, rows, interface, manifest)
        return examples.read(np.arange(len(examples)))[0]

    return run


def test_columns_go_by_their_names_and_types(read: Read) -> None:
    # Given columns in another order, one that is not needed, a BOM and quotes
    content = '\ufeffcity,notes,rooms,area\n"São Paulo, SP",x,3,1e2\nrome,,2,-0.5\n'.encode()
    # When they are read
    found = read(content)
    # Then each is what the model was trained on
    assert found["city"].tolist() == ["São Paulo, SP", "rome"]
    assert found["area"].tolist() == [100.0, -0.5]
    assert found["rooms"].tolist() == [3, 2]
    assert (found["area"].dtype, found["rooms"].dtype) == (np.float64, np.int64)
    assert list(found) == ["area", "rooms", "city"]


def test_what_is_missing_is_so_where_the_data_set_says(read: Read) -> None:
    found = read(b"city,rooms,area\n-,3,-\n,2,\n", manifest=MANIFEST)
    assert found["city"].tolist() == ["", ""]
    assert np.isnan(found["area"]).all()
    with pytest.raises(BadJob, match="'area' holds numbers, but also: '' in line 2"):
        read(b"city,rooms,area\nx,3,\n")


def test_dates_are_read_as_in_the_data_set(read: Read) -> None:
    sold = Interface((Input("sold", (), "float64", "number", None, ("sold",)),), ())
    assert read(b"sold\n02.01.1970\n", sold, MANIFEST)["sold"].tolist() == [1.0]
    with pytest.raises(BadJob, match="'sold' holds dates, but also: '1970-01-02' in line 2"):
        read(b"sold\n1970-01-02\n", sold, MANIFEST)


def test_all_that_is_wrong_is_named_by_its_line(read: Read) -> None:
    content = b"city;rooms;area\nx;2;3\nx;2.5;many\nx;2\nx;inf;nan\n\nx;2;3;4\n"
    with pytest.raises(BadJob) as caught:
        read(content, separator=";")
    message = caught.value.message
    assert "'rooms' holds whole numbers, but also: '2.5' in line 3, 'inf' in line 5" in message
    assert "'area' holds numbers, but also: 'many' in line 3, 'nan' in line 5" in message
    assert "3 columns, but: line 4 has 2, line 7 has 4" in message
    assert caught.value.hint


def test_missing_columns_are_all_named(read: Read) -> None:
    with pytest.raises(BadJob, match=r"no column 'area', 'rooms'.* it has 'city', 'aera'"):
        read(b"city,aera\nx,1\n")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"city,rooms,area\n", "has no rows below the names"),
        (b"", "it is empty"),
        (b"city,rooms,area\nx\xff,1,2\n", "it is not UTF-8"),
        ("city,rooms,area\nx,1,2\n".encode("utf-16"), "it is UTF-16, not UTF-8"),
    ],
)
def test_what_is_no_table_is_refused(read: Read, content: bytes, words: str) -> None:
    with pytest.raises(BadJob, match=words):
        read(content)


def test_a_vector_of_columns_and_an_array(read: Read) -> None:
    vector = Interface((Input("x", (2,), "float32", "array", None, ("a", "b")),), ())
    assert read(b"b,a\n1,2\n", vector) == {"a": [2.0], "b": [1.0]}
    image = Interface((Input("photo", (8, 8), "uint8", "array", None, ("photo",)),), ())
    with pytest.raises(BadJob, match=r"input 'photo' takes shape \(8, 8\)"):
        read(b"photo\n1\n", image)


def test_another_file_in_the_store_is_refused(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    path = f"inputs/{'0' * 64}.csv"
    store.write(path, b"city\n")
    with pytest.raises(StoreError, match="is not the file that was submitted"):
        read_table(store, TableRows(path=path, sha256="0" * 64, file="x.csv"), HOMES, None)
