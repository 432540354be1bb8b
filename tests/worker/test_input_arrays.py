from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fitq_shared.errors import InvalidInput, StoreError
from fitq_shared.specs.predict import FileRows
from fitq_shared.store import Store
from fitq_worker.input_arrays import load_input
from support.hostile_files import HOSTILE_ARRAYS, Hostile

Pixels = NDArray[np.uint8]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def rows_of(store: Store, file: Path, array: str | None = None) -> FileRows:
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    path = f"inputs/{sha256}{file.suffix}"
    store.put(file, path)
    return FileRows(path=path, sha256=sha256, array=array, file=file.name)


def test_an_npy_is_read_whole(store: Store, tmp_path: Path, raw_images: Pixels) -> None:
    np.save(tmp_path / "images.npy", raw_images)
    read = load_input(store, rows_of(store, tmp_path / "images.npy"))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, raw_images)


def test_the_array_that_was_named_is_read(store: Store, tmp_path: Path, raw_images: Pixels) -> None:
    # Given an npz of two arrays
    np.savez_compressed(tmp_path / "two.npz", x=raw_images, other=np.zeros(3))
    read = load_input(store, rows_of(store, tmp_path / "two.npz", "x"))
    np.testing.assert_array_equal(read, raw_images)


def test_the_only_array_needs_no_name(store: Store, tmp_path: Path, raw_images: Pixels) -> None:
    np.savez(tmp_path / "one.npz", x=raw_images)
    np.testing.assert_array_equal(
        load_input(store, rows_of(store, tmp_path / "one.npz")), raw_images
    )


def test_an_array_that_is_not_there(store: Store, tmp_path: Path, raw_images: Pixels) -> None:
    np.savez(tmp_path / "one.npz", images=raw_images)
    with pytest.raises(InvalidInput, match="did you mean 'images'") as caught:
        load_input(store, rows_of(store, tmp_path / "one.npz", "image"))
    assert "'image'" in caught.value.message


def test_a_file_that_was_changed_after_it_was_submitted(
    store: Store, tmp_path: Path, raw_images: Pixels
) -> None:
    # Given a file in the store in whose place another array was put
    np.save(tmp_path / "images.npy", raw_images)
    rows = rows_of(store, tmp_path / "images.npy")
    np.save(tmp_path / "other.npy", raw_images[::-1])
    store.write(rows.path, (tmp_path / "other.npy").read_bytes())
    # Then it is refused, and named
    with pytest.raises(StoreError) as caught:
        load_input(store, rows)
    assert rows.path in caught.value.message
    assert "not the file that was submitted" in caught.value.message


def test_a_file_that_is_gone(store: Store, tmp_path: Path, raw_images: Pixels) -> None:
    np.save(tmp_path / "images.npy", raw_images)
    rows = rows_of(store, tmp_path / "images.npy")
    store.remove(rows.path)
    with pytest.raises(StoreError, match="cannot read"):
        load_input(store, rows)


def test_pickled_objects_are_never_loaded(store: Store, tmp_path: Path) -> None:
    # Given an array file that would run code when it is unpickled
    np.save(tmp_path / "evil.npy", np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidInput, match="pickled Python objects"):
        load_input(store, rows_of(store, tmp_path / "evil.npy"))


def test_mistakes_name_the_file_as_the_user_did(store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine.npy").write_bytes(b"no array")
    with pytest.raises(InvalidInput, match=r"mine\.npy"):
        load_input(store, rows_of(store, tmp_path / "mine.npy"))


@pytest.mark.parametrize("hostile", HOSTILE_ARRAYS, ids=str)
def test_a_hostile_file_is_refused_with_its_reason(
    store: Store, tmp_path: Path, hostile: Hostile
) -> None:
    # Given a hostile file that a client has put into the store without looking at it
    (tmp_path / "mine.npz").write_bytes(hostile.content)
    with pytest.raises(InvalidInput) as caught:
        load_input(store, rows_of(store, tmp_path / "mine.npz"))
    assert hostile.words in caught.value.message
    assert "mine.npz" in caught.value.message
