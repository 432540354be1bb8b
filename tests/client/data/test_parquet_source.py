"""Parquet: looked at where pyarrow is there, and uploaded where it is not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str = "houses.parquet", **columns) -> Path:
        pq.write_table(pa.table(columns), tmp_path / name)
        return tmp_path / name

    return make


HOUSES = {
    "rooms": [1, 2, None],
    "city": ["Bern", " Basel", "Bern"],
    "sold": [date(2024, 1, day) for day in (1, 2, 3)],
    "new": [True, False, True],
}


def columns(source):
    return {column.name: column for column in source.columns}


def test_types_are_those_of_the_file(save, look):
    source = look(save(**HOUSES), targets=("city",))
    found = columns(source)
    assert {name: column.type for name, column in found.items()} == {
        "rooms": "number",
        "city": "category",
        "sold": "date",
        "new": "category",
    }
    assert found["city"].classes == ("Basel", "Bern")
    assert [name for name, column in found.items() if column.may_miss] == ["rooms"]
    assert (source.rows, source.complete) == ({"train": 3}, True)


def test_every_mistake_is_named(save, mistakes):
    path = save(**HOUSES, pairs=[[1], [2], [3]])
    assert "(did you mean 'rooms'?)" in mistakes(path, targets=("room",))[0]
    found = mistakes(path, targets=("rooms",))
    assert [line.partition(" = ")[0] for line in found] == ["column rooms", "column pairs"]
    assert "since it is a target" in found[0]
    [found] = mistakes(path, inputs=("rooms",), may_miss=("city",))
    assert "--may-miss 'rooms'" in found
    assert "--type city = 'image'" in mistakes(path, types={"city": "image"})[0]


def test_files_of_one_table_have_the_same_columns(save, mistakes):
    train = save(a=[1])
    assert "as in the first" in mistakes(train, test=save("b.parquet", a=["x"]))[0]


@pytest.mark.parametrize("content", [b"", b"PAR1" * 5, b"a,b\n1,2\n3,4\n"])
def test_what_is_no_parquet_is_named(tmp_path, mistakes, content):
    path = tmp_path / "houses.parquet"
    path.write_bytes(content)
    assert "Parquet" in mistakes(path)[0]


def test_without_pyarrow_it_is_taken_as_declared(save, look, monkeypatch):
    # Given a client without pyarrow
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    # When a file is looked at
    source = look(save(**HOUSES), targets=("city",), types={"rooms": "number"})
    # Then what was declared is known, and the worker is to find the rest
    assert {c.name: (c.type, c.role) for c in source.columns} == {
        "city": (None, "target"),
        "rooms": ("number", "input"),
    }
    assert (source.complete, source.rows) == (False, {})
    assert "on the worker" in source.notes[0]
