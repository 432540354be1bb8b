"""What `fitq datasets add` registers, a worker reads: each form of data, both sides real."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fitq.data.registering import add
from fitq.data.source import Declared
from fitq_shared.store import Store
from fitq_worker.datasets.columns import Table
from fitq_worker.datasets.registered import load_registered

Read = Callable[..., Table]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Register what is at a path, and load a split of it as a worker does."""
    (tmp_path / "volume").mkdir()
    monkeypatch.setenv("FITQ_CACHE", str(tmp_path / "cache"))
    store = Store(str(tmp_path / "volume"))

    def run(path: Path, split: str = "train", **declared: Any) -> Table:
        added = add(store, "mine", str(path), Declared(**declared), "ann", lambda *_: None)
        return load_registered(added.registration.ref, store, split)  # type: ignore[arg-type]

    return run


def all_rows(table: Table) -> tuple[dict[str, Any], dict[str, Any]]:
    return table.read(np.arange(len(table)))


def test_a_csv_with_a_bom_missing_values_and_classes(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "houses.csv"
    rows = ['72,Bern,1970-01-02,"Two\nlines",yes', "NA, Basel,1970-01-03,,no"]
    path.write_text("\n".join(["\ufeffsize,city,sold,about,sold_fast", *rows]))
    table = read(path, targets=("sold_fast",), missing=("NA",), types={"about": "text"})
    x, y = all_rows(table)
    assert set(x) == {"size", "city", "sold", "about"}
    assert x["size"][0] == 72
    assert np.isnan(x["size"][1])
    assert list(x["sold"]) == [1, 2]
    assert list(x["about"]) == ["Two\nlines", ""]
    assert table.targets["sold_fast"].classes == ("no", "yes")
    assert list(y["sold_fast"]) == [1, 0]


def test_a_parquet_file(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "houses.parquet"
    pq.write_table(pa.table({"a": [1.5, None], "new": [True, False], "y": ["b", "a "]}), path)
    table = read(path, targets=("y",))
    x, y = all_rows(table)
    assert x["a"][0] == 1.5
    assert np.isnan(x["a"][1])
    assert (table.targets["y"].classes, list(y["y"])) == (("a", "b"), [1, 0])


@pytest.mark.parametrize("form", ["npz", "npy"])
def test_arrays_of_both_splits(read: Read, tmp_path: Path, form: str) -> None:
    arrays = {
        "x_train": np.arange(24, dtype="uint8").reshape(6, 2, 2),
        "y_train": np.array(["b", "a", "b", "a", "b", "c"]),
        "x_test": np.zeros((1, 2, 2), "uint8"),
        "y_test": np.array(["c"]),
    }
    if form == "npz":
        path = tmp_path / "data.npz"
        np.savez(path, **arrays)
    else:
        path = tmp_path / "arrays"
        path.mkdir()
        for name, array in arrays.items():
            np.save(path / f"{name}.npy", array)
    table = read(path)
    x, y = all_rows(table)
    assert (x["x"] == arrays["x_train"]).all()
    assert (table.targets["y"].classes, list(y["y"])) == (("a", "b", "c"), [1, 0, 1, 0, 1, 2])
    _, y = all_rows(read(path, "test"))
    assert list(y["y"]) == [2]


def test_numbers_of_classes_stay_what_they_are(read: Read, tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.zeros((3, 4)), y=np.array([2, 0, 2]))
    table = read(tmp_path / "data.npz")
    _, y = all_rows(table)
    assert (table.targets["y"].classes, list(y["y"])) == (("0", "1", "2"), [2, 0, 2])


def test_a_folder_of_images(read: Read, tmp_path: Path) -> None:
    for at, name in enumerate(("cats/a.png", "cats/b.png", "dogs/a.png")):
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (at, 0, 0)).save(path)
    table = read(tmp_path / "pets")
    x, y = all_rows(table)
    assert [int(image[0, 0, 0]) for image in x["image"]] == [0, 1, 2]
    assert (table.targets["class"].classes, list(y["class"])) == (("cats", "dogs"), [0, 0, 1])
    assert table.inputs["image"].shape == (4, 4, 3)
    assert read(tmp_path / "pets", channels=1).inputs["image"].shape == (4, 4, 1)


def test_a_folder_of_texts_in_both_splits(read: Read, tmp_path: Path) -> None:
    for name in ("train/good/1.txt", "train/bad/1.txt", "test/bad/2.txt"):
        path = tmp_path / "reviews" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}")
    x, y = all_rows(read(tmp_path / "reviews"))
    assert list(x["text"]) == ["text of train/bad/1.txt", "text of train/good/1.txt"]
    assert list(y["class"]) == [0, 1]
    x, y = all_rows(read(tmp_path / "reviews", "test"))
    assert (list(x["text"]), list(y["class"])) == (["text of test/bad/2.txt"], [0])
