from __future__ import annotations

import numpy as np
import pytest

from fitq_shared.dataset_manifest import Column
from fitq_shared.errors import BadJob
from fitq_shared.store import Store
from fitq_worker.datasets.registered import Choice, load_registered
from fitq_worker.examples import Field
from support.registered import register

HOUSES = """\
area,town,built,note,price
50.5, Ulm ,1970-01-02,"quiet, by a lake",100
60,Bonn,1970-01-03T12:00,"two
lines",200
?,Ulm,?,,300
nan,Ulm,?,,400
"""
COLUMNS = [
    Column(name="area", type="number", may_miss=True),
    Column(name="town", type="category"),
    Column(name="built", type="date", may_miss=True),
    Column(name="note", type="text"),
    Column(name="price", type="number", role="target"),
]


def houses(store: Store, text: str = HOUSES, columns=None, **fields):
    fields = {"missing": ["?"], **fields}
    return register(
        store, "csv", {"houses.csv": text.encode()}, columns or COLUMNS, piece=64, **fields
    )


def test_each_column_is_what_it_is_declared_to_be(store: Store) -> None:
    # When a table with all types of columns is loaded
    examples = load_registered(houses(store), store, "train")

    # Then each column is an input of its own, or a target
    assert examples.inputs == {
        "area": Field((), "float32"),
        "town": Field((), "str", kind="category"),
        "built": Field((), "float32"),
        "note": Field((), "str", kind="text"),
    }
    assert examples.targets == {"price": Field((), "float32")}
    # And its rows can be read in any order, with NaN where a number is declared to be missing
    inputs, targets = examples.read(np.array([2, 0, 1, 3]))
    np.testing.assert_array_equal(inputs["area"], np.float32([np.nan, 50.5, 60, np.nan]))
    assert inputs["town"].tolist() == ["Ulm", "Ulm", "Bonn", "Ulm"]
    np.testing.assert_array_equal(inputs["built"], np.float32([np.nan, 1, 2.5, np.nan]))
    assert inputs["note"].tolist() == ["", "quiet, by a lake", "two\nlines", ""]
    assert targets["price"].tolist() == [300, 100, 200, 400]


def test_a_category_as_a_target_is_the_number_of_its_class(store: Store) -> None:
    # Given classes that the data set declares, and a column whose classes nobody declared
    text = "a,size,b\nx,L,10\ny,S,9\nz,L,10\n"
    columns = [
        Column(name="a", type="text"),
        Column(name="size", type="category", role="target", classes=["S", "L"]),
        Column(name="b", type="category"),
    ]
    ref = houses(store, text, columns)
    # When they are targets
    examples = load_registered(ref, store, "train", Choice(targets=["size", "b"]))
    # Then the declared order counts, else that of the numbers
    assert examples.targets == {
        "size": Field((), "int32", ("S", "L"), "category"),
        "b": Field((), "int32", ("9", "10"), "category"),
    }
    targets = examples.read(np.arange(3))[1]
    assert targets["size"].tolist() == [1, 0, 1]
    assert targets["b"].tolist() == [1, 0, 1]
    # And a target is no input unless it is asked for
    assert set(examples.inputs) == {"a"}


def test_files_make_up_splits_that_share_their_categories(store: Store) -> None:
    # Given two files for training, one for testing, with columns in another order
    files = {"a.csv": b"x,y\n1,ant\n", "b.csv": b"y,x\ncat,2\n", "t.csv": b"x,y\n3,bee\n"}
    columns = [Column(name="x", type="number"), Column(name="y", type="category", role="target")]
    splits = {"a.csv": "train", "b.csv": "train", "t.csv": "test"}
    ref = register(store, "csv", files, columns, splits=splits)
    # When both splits are loaded
    train, test = (load_registered(ref, store, split) for split in ("train", "test"))
    # Then they have their rows, and the same classes
    assert train.read(np.arange(2))[0]["x"].tolist() == [1, 2]
    assert train.read(np.arange(2))[1]["y"].tolist() == [0, 2]
    assert test.read(np.arange(1))[1]["y"].tolist() == [1]
    assert (
        test.targets
        == train.targets
        == {"y": Field((), "int32", ("ant", "bee", "cat"), "category")}
    )


def test_a_bom_semicolons_and_dates_of_another_form_are_read(store: Store) -> None:
    text = "\ufeffday;n\r\n02.01.1970;1\r\n"
    columns = [Column(name="day", type="date", format="%d.%m.%Y"), Column(name="n", type="number")]
    examples = load_registered(houses(store, text, columns, separator=";"), store, "train")
    assert examples.read(np.array([0]))[0]["day"].tolist() == [1]


def test_all_mixed_types_are_named_with_their_lines(store: Store) -> None:
    # Given columns with values that they should not have
    text = "area,size,price\n1,S,1\nbig,S,2\n,M,3\n2_0,S,NaN\n4,XL,x\n"
    columns = [
        Column(name="area", type="number"),
        Column(name="size", type="category", role="target", classes=["S", "M"]),
        Column(name="price", type="number", role="target"),
    ]
    ref = houses(store, text, columns)
    # When they are loaded
    with pytest.raises(BadJob) as failed:
        load_registered(ref, store, "train")
    # Then each column says which, and where
    message = failed.value.message
    assert "the column 'area' holds numbers, but also: 'big' in line 3, '' in line 4" in message
    assert "'2_0' in line 5" in message
    assert "the column 'size' holds its declared classes, but also: 'XL' in line 6" in message
    assert "the column 'price' holds numbers, but also: 'x' in line 6" in message
    assert "'price' of the train split has values that are NaN or infinite: row 3" in message
    assert "missing" not in message
    # And a job that uses none of these columns is not kept from its work
    columns = [Column(name="area", type="number", role="unused"), Column(name="size", type="text")]
    assert len(load_registered(houses(store, text, columns), store, "train")) == 5


def test_ragged_rows_are_named_by_their_lines(store: Store) -> None:
    text = "a,b\n1,2\n1\n\n1,2,3\n" + "4\n" * 5
    columns = [Column(name="a", type="number")]
    with pytest.raises(BadJob) as failed:
        load_registered(houses(store, text, columns), store, "train")
    assert failed.value.message == (
        "houses.csv has 2 columns, but: line 3 has 1, line 5 has 3, line 6 has 1, and 4 more"
    )


def test_a_column_that_is_not_there_is_named_with_the_nearest(store: Store) -> None:
    with pytest.raises(
        BadJob, match=r"no column 'preis' \(did you mean 'price'\?\): it has 'area'"
    ):
        load_registered(
            houses(store, columns=[Column(name="preis", type="number")]), store, "train"
        )


def test_a_target_that_is_not_there_is_named_with_the_nearest(store: Store) -> None:
    with pytest.raises(BadJob, match=r"target = 'Price': expected .*price"):
        load_registered(houses(store), store, "train", Choice(targets=["Price"]))


def test_a_missing_target_is_named(store: Store) -> None:
    ref = houses(store)
    with pytest.raises(BadJob, match=r"'area' .* missing, but is a target: rows 2, 3"):
        load_registered(ref, store, "train", Choice(targets=["area"]))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"area,price\n", "has no rows"),
        (b"area,area\n1,2\n", "two of its columns are named 'area'"),
        (b"area,\n1,2\n", "no name to column 2"),
        (b'area\n"1\n', r"in line 2: unexpected end of data"),
        (b"area\n1\n\xe4\n", r"it is not UTF-8: .* byte 0xe4"),
        ("area\n1\n".encode("utf-16"), "it is UTF-16, not UTF-8"),
        (b"area\n" + b"1" * (2**24 + 1), "field larger than field limit"),
    ],
)
def test_what_is_no_csv_is_refused(store: Store, content: bytes, reason: str) -> None:
    columns = [Column(name="area", type="number")]
    ref = register(store, "csv", {"a.csv": content}, columns, piece=2**20)
    with pytest.raises(BadJob, match=reason):
        load_registered(ref, store, "train")
