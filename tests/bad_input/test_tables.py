"""CSVs and arrays that are not as they should be, and data that changed since it was registered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fitq_shared.dataset_manifest import chunk_path
from fitq_shared.store import Store

pytestmark = pytest.mark.services

ADD = ("datasets", "add", "homes", "homes.csv", "--target", "price")
ROWS = "".join(f"{at},Bern,{at * 100}\n" for at in range(1, 25))
LINEAR = ("--model", "linear.py:build", "--epochs", 1)


@pytest.fixture
def homes(nowhere):
    """Write homes.csv: names of columns, these first rows, and 24 rows more."""

    def write(first: str = "", start: str = "") -> None:
        text = f"{start}rooms,city,price\n{first}{ROWS}"
        (nowhere / "homes.csv").write_text(text, encoding="utf-8")

    return write


def test_ragged_rows_are_named_by_their_lines(homes, refused, fitq):
    homes("3,Bern\n4,Bern,5,6\n")
    said = refused("datasets", "add", "ragged", "homes.csv", "--target", "price")
    assert "3 cells in each row, as in the first; line 2 has 2, line 3 has 4" in said
    # And nothing was registered
    assert refused("datasets", "show", "ragged")


def test_a_column_of_mixed_types_is_named(homes, refused):
    homes("many,Bern,500\n")
    said = refused(*ADD)
    assert "column rooms" in said
    assert "'many' in line 2" in said
    assert "--missing 'many' or --type 'rooms=text'" in said


def test_a_bom_does_no_harm(homes, fitq):
    homes(start="\ufeff")
    ran = fitq("datasets", "add", "marked", "homes.csv", "--target", "price", "--json")
    assert ran.code == 0, ran.err
    columns = fitq("datasets", "show", "marked", "--json").json["content"]["columns"]
    assert [column["name"] for column in columns] == ["rooms", "city", "price"]


def test_a_target_that_is_not_there_suggests_the_nearest(homes, fitq, refused, tiny):
    # When a table is added, or data that is registered is learnt
    homes()
    added = refused("datasets", "add", "homes", "homes.csv", "--target", "prise")
    learnt = refused("train", "--dataset", tiny, "--model", "mlp", "--target", "yy")
    # Then
    assert "--target = 'prise'" in added
    assert "did you mean 'price'?" in added
    assert "'yy'" in learnt
    assert "did you mean 'y'?" in learnt


def test_numbers_that_are_none_in_a_table_are_named(homes, refused):
    homes("nan,Bern,500\n")
    said = refused(*ADD)
    assert "'nan' in line 2" in said
    assert "--missing 'nan'" in said


def test_nan_in_arrays_is_named(save, fitq, failed):
    # Given arrays of which one has no number in a row
    x = np.ones((24, 4), np.float32)
    x[3, 1] = np.nan
    save("holes.npz", x=x, y=np.arange(24) % 3)
    assert fitq("datasets", "add", "holes", "holes.npz", "--target", "y").code == 0
    # When it is trained on, then
    said = failed("train", "--dataset", "holes", "--model", "mlp", "--epochs", 1)
    assert "'x'" in said
    assert "NaN or infinite: row 3" in said


def test_what_changed_in_the_store_is_found_and_mended(save, fitq, failed, session_settings):
    # Given a registered data set, of which the store has lost a byte's value
    save("once.npz", x=np.full((24, 4), 0.5, np.float32), y=np.arange(24) % 3)
    add = ("datasets", "add", "once", "once.npz", "--target", "y")
    store = Store(session_settings.store_url or "")
    before = {*store.files("blobs")}
    manifest = chunk_path(fitq(*add, "--json").json["manifest"])
    new = {f"blobs/{path}" for path in {*store.files("blobs")} - before}
    for path in new - {manifest}:
        _damage(Path(store.locate(path)))
    # When it is trained on
    train = ("train", "--dataset", "once@1", "--model", "mlp", "--epochs", 1)
    said = failed(*train, kind="store")
    # Then that is said, and what to do mends it
    assert "once" in said
    assert "--send-all" in said
    assert fitq(*add, "--send-all").code == 0
    assert fitq(*train).code == 0


def test_a_file_that_changed_is_another_version(homes, fitq):
    # Given a registered file that changed afterwards
    homes()
    add = ("datasets", "add", "moving", "homes.csv", "--target", "price", "--json")
    first = fitq(*add).json
    homes("9,Bern,900\n")
    # When it is added again, then that is another version, and the first is as it was
    shown = ("datasets", "show", "moving@1", "--json")
    before = fitq(*shown).json
    assert (first["version"], fitq(*add).json["version"]) == (1, 2)
    assert fitq(*shown).json == before


def _damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
