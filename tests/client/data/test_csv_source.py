"""CSV files: what is found in them, and every mistake with its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

GOOD = """rooms,city,sold,about,price
3,Bern,2024-01-31,"Bright, with a view",410000
2,Basel,2024-02-01,Dark,380000
4,Bern,2024-02-02,"Two
lines",520000
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def make(text: str | bytes, name: str = "houses.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return make


def columns(source):
    return {column.name: column for column in source.columns}


def test_types_are_found_where_nobody_declares_them(write, look):
    source = look(write(GOOD), targets=("price",))
    assert {name: column.type for name, column in columns(source).items()} == {
        "rooms": "number",
        "city": "category",
        "sold": "date",
        "about": "text",
        "price": "number",
    }
    assert [c.name for c in source.columns if c.role == "target"] == ["price"]
    assert source.rows == {"train": 3}
    assert source.notes == ()


def test_what_is_declared_counts(write, look):
    source = look(
        write(GOOD),
        targets=("rooms",),
        inputs=("city", "price"),
        types={"rooms": "category", "city": "text"},
    )
    found = columns(source)
    assert found["rooms"].classes == ("2", "3", "4")
    assert found["city"].type == "text"
    assert {name: column.role for name, column in found.items()} == {
        "rooms": "target",
        "city": "input",
        "sold": "unused",
        "about": "unused",
        "price": "input",
    }


@pytest.mark.parametrize(
    ("values", "kind", "classes"),
    [
        (["yes", "no", "no", "yes"], "category", ("no", "yes")),
        (["0", "1", "1", "0"], "category", ("0", "1")),
        (["10", "9", "2.5", "10"], "number", None),
        (["3", "7", "3", "7"], "number", None),
    ],
)
def test_a_target_of_classes_is_told_from_one_of_numbers(write, look, values, kind, classes):
    rows = "".join(f"{number},{value}\n" for number, value in enumerate(values))
    target = columns(look(write(f"x,y\n{rows}"), targets=("y",)))["y"]
    assert (target.type, target.classes) == (kind, classes)


def test_a_bom_other_separators_and_empty_lines_do_no_harm(write, look):
    source = look(write("\ufeffa;b\n1;2\n\n3;4\n"), separator=";")
    assert [column.name for column in source.columns] == ["a", "b"]
    assert (source.rows, source.separator) == ({"train": 2}, ";")
    assert look(write("a\tb\n1\t2\n", "x.tsv")).separator == "\t"


def test_a_table_that_another_separator_divides_is_no_single_column(write, look, mistakes):
    for mark, said in ((";", ";"), ("\t", "tab"), ("|", "|")):
        [found] = mistakes(write(f"a{mark}b\n1{mark}2\n"), targets=("b",))
        assert f"if it is '{said}', say --separator '{said}'" in found
    # And who means one column says so
    assert [c.name for c in look(write("a;b\nx\n"), separator=",").columns] == ["a;b"]


def test_without_a_target_i_am_told_what_that_means(write, look):
    assert "no --target" in look(write(GOOD)).notes[0]


def test_missing_values_are_those_that_are_declared(write, look, mistakes):
    # Given a number that is missing, and a text that is empty
    path = write("size,about,price\n,,1\nNA,b,2\n5,c,3\n")
    # When nothing is declared, the text is empty, and the numbers are named
    assert mistakes(path, targets=("price",), types={"size": "number", "about": "text"}) == [
        "column size = \"'NA' in line 3\": expected numbers, as declared",
        "column size = \"'' in line 2\": expected a value in each row, or --missing ''",
    ]
    # When both markers are declared
    found = columns(look(path, targets=("price",), missing=("NA", "")))
    # Then the columns may miss values in which some do
    assert [name for name, column in found.items() if column.may_miss] == ["size", "about"]
    assert found["size"].type == "number"


def test_only_named_columns_may_miss_values_and_never_a_target(write, mistakes):
    path = write("size,floor,price\nNA,NA,NA\n1,2,3\n")
    found = mistakes(path, targets=("price",), missing=("NA",), may_miss=("size",))
    assert [line.partition(" = ")[0] for line in found] == ["column floor", "column price"]
    assert "--may-miss 'floor'" in found[0]
    assert "since it is a target" in found[1]


def test_all_mistakes_are_named_at_once_with_their_lines(write, mistakes):
    # Given a table with a short row, a long one, a date that is none and a number that is none
    path = write("rooms,sold,price\n1,2024-01-01,5\n2\n3,2024-13-01,6\n4,2024-01-01,7,8\n5,x,y\n")
    # When it is added with names that are not in it
    found = mistakes(
        path, targets=("prise",), may_miss=("room",), types={"sold": "date", "price": "number"}
    )
    # Then each mistake is there
    assert "3 cells in each row, as in the first; line 3 has 1, line 5 has 4" in found[0]
    assert "(did you mean 'price'?)" in found[1]
    assert "(did you mean 'rooms'?)" in found[2]
    assert "'2024-13-01' in line 4, 'x' in line 6" in found[3]
    assert "'y' in line 6" in found[4]
    assert len(found) == 5


def test_of_many_faults_the_first_are_shown(write, mistakes):
    rows = "".join(f"{number}\n" for number in range(1000))
    [found] = mistakes(write(f"a,b\n{rows}1,2\n"))
    assert "line 2 has 1, line 3 has 1, line 4 has 1 and 997 more" in found


def test_a_column_of_numbers_with_a_few_others_must_be_declared(write, mistakes, look):
    path = write("a,b\n" + "".join(f"{n},{n}\n" for n in range(30)) + "n/a,1\n")
    [found] = mistakes(path)
    assert "'n/a' in line 32" in found
    assert "--missing 'n/a' or --type 'a=text'" in found
    assert columns(look(path, missing=("n/a",)))["a"].may_miss
    assert columns(look(path, types={"a": "text"}))["a"].type == "text"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"a,b\n", "rows below the names of the columns"),
        (b"a,,c\n1,2,3\n", "none has column 2"),
        (b"a,b,a\n1,2,3\n", "several are named 'a'"),
        (b"1,2\n3,4\n", "a first line that names the columns, not"),
        (b"a,b\n1,\xe9\n", "text in UTF-8: after line"),
        ("a,b\n1,2\n".encode("utf-16"), "it is UTF-16; save it as UTF-8"),
        (b'a,b\n1,"2\n', "unexpected end of data"),
        (b"a\x1b[2J,b\n1,2\n", "none hidden"),
        ("a,b\n" + "x" * 2**17 + ',1\n1,"' + "y" * 2**17 + '"', None),
    ],
)
def test_what_is_no_table_is_named(write, mistakes, look, content, said):
    if said is None:
        assert look(write(content)).rows == {"train": 2}
        return
    [found] = mistakes(write(content))
    assert said in found


def test_the_test_split_may_lie_apart_and_has_the_same_columns(write, look, mistakes):
    train = write("a,y\n1,no\n2,yes\n")
    test = write("y,a\nyes,1\n", "later.csv")
    source = look(train, test=test, targets=("y",))
    assert source.rows == {"train": 2, "test": 1}
    assert [(file.name, file.split) for file in source.files] == [
        ("train/houses.csv", "train"),
        ("test/later.csv", "test"),
    ]
    other = write("a,z\n1,2\n", "other.csv")
    assert "not in both: 'y', 'z'" in mistakes(train, test=other, targets=("y",))[0]


def test_a_type_that_a_table_cannot_hold_is_refused(write, mistakes):
    [found] = mistakes(write(GOOD), types={"city": "image"})
    assert "column city = 'image'" in found
