"""Cutting files into chunks, and sending only those that the store does not have."""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fitq.data import chunking, upload
from fitq.data.registering import Added, add
from fitq.data.source import Declared
from fitq_shared.dataset_manifest import chunk_path
from fitq_shared.datasets import copy_files
from fitq_shared.errors import InvalidInput, StoreError
from fitq_shared.registrations import registrations
from fitq_shared.store import Store

KIB = 1024


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of KiB, where real ones are of MiB."""
    monkeypatch.setattr(chunking, "LONGEST", 4 * KIB)
    monkeypatch.setattr(chunking, "SHORTEST", KIB)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "volume").mkdir()
    return Store(str(tmp_path / "volume"))


@pytest.fixture
def register(store: Store) -> Callable[..., Added]:
    def run(path: Path, name: str = "houses", **declared: object) -> Added:
        return add(store, name, str(path), Declared(**declared), "ann", lambda *_: None)  # type: ignore[arg-type]

    return run


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A CSV of some 40 KB, of which no two parts are alike."""
    draw = random.Random(1)
    path = tmp_path / "houses.csv"
    path.write_text("a,b\n" + "".join(f"{draw.random()},{draw.random()}\n" for _ in range(1000)))
    return path


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A folder of 200 small texts of two classes."""
    for number in range(200):
        path = tmp_path / "texts" / "ab"[number % 2] / f"{number:03}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text {number} " * 20)
    return tmp_path / "texts"


def blobs(store: Store) -> set[str]:
    return set(store.files("blobs"))


def test_what_was_registered_comes_out_of_the_store_as_it_was(store, register, texts, tmp_path):
    added = register(texts)
    ref = added.registration.ref
    copied = [file.path for file in copy_files(store, ref, added.manifest, tmp_path / "copy")]
    assert len(copied) == 200
    assert all(
        (tmp_path / "copy" / name).read_bytes() == (texts / name).read_bytes() for name in copied
    )
    # And many files are few chunks
    assert 10 < len(added.manifest.chunks) < 50


def test_the_same_again_sends_nothing_and_makes_no_version(store, register, table):
    first = register(table)
    assert (first.is_new, first.sent) == (True, table.stat().st_size)
    again = register(table)
    assert (again.is_new, again.sent, again.registration) == (False, 0, first.registration)
    assert len(registrations(store)) == 1


def test_rows_at_the_end_send_only_the_end(register, table):
    register(table)
    with table.open("a") as file:
        file.write("1,2\n")
    second = register(table)
    assert (second.is_new, second.registration.version) == (True, 2)
    assert 0 < second.sent <= 4 * KIB


def test_a_file_among_many_sends_only_what_is_around_it(register, texts):
    whole = register(texts).sent
    (texts / "a/100x.txt").write_text("one more " * 10)
    assert 0 < register(texts).sent < whole / 4


def test_an_interrupted_upload_goes_on_where_it_was(store, register, table, monkeypatch):
    # Given a store that fails after five chunks
    real, written = Store.write, []

    def failing(self: Store, path: str, content: bytes) -> None:
        if len(written) == 5:
            raise StoreError("the connection is gone", passing=True)
        written.append(len(content))
        real(self, path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", failing)
        with pytest.raises(StoreError):
            register(table)
    # Then nothing is registered, and what has arrived stays
    assert registrations(store) == []
    assert len(blobs(store)) == 5
    # When it is added again, only the rest is sent
    added = register(table)
    assert added.sent == table.stat().st_size - sum(written)


def test_a_chunk_that_arrived_in_part_is_sent_again(store, register, table):
    [first, *_] = register(table).manifest.chunks
    store.write(chunk_path(first.sha256), b"a part")
    assert register(table, name="homes").sent == first.size


def test_an_old_chunk_that_nothing_names_is_written_anew_so_that_gc_leaves_it(
    store, register, table
):
    # Given chunks of an upload that was interrupted long ago
    added = register(table)
    store.remove("datasets/registered/houses/1.json")
    chunks = [Path(store.locate(chunk_path(chunk.sha256))) for chunk in added.manifest.chunks]
    for path in chunks:
        os.utime(path, (0, 0))
    # When the data is added
    before = time.time() - 60
    assert register(table).sent == table.stat().st_size
    # Then they are new
    assert all(path.stat().st_mtime > before for path in chunks)


def test_an_old_chunk_that_a_version_names_is_not_sent_again(store, register, table):
    for chunk in register(table).manifest.chunks:
        os.utime(store.locate(chunk_path(chunk.sha256)), (0, 0))
    assert register(table, missing=("NA",)).sent == 0


def test_a_store_that_loses_what_it_was_given_is_found_out(store, register, table, monkeypatch):
    monkeypatch.setattr(upload.Store, "size", lambda *_: 7)
    with pytest.raises(StoreError, match="has 7 bytes of blobs/"):
        register(table)
    assert registrations(store) == []


@pytest.mark.parametrize("mode", ["a", "r+"])
def test_a_file_that_changes_while_it_is_uploaded_is_not_registered(
    store, register, table, monkeypatch, mode
):
    # Given somebody who adds to the file, or changes a letter, once the first chunk is up
    real = Store.write

    def disturbing(self: Store, path: str, content: bytes) -> None:
        real(self, path, content)
        with table.open(mode) as file:
            file.write("7")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", disturbing)
        with pytest.raises(InvalidInput, match="a file that stays as it is") as caught:
            register(table)
    assert "nothing was registered" in caught.value.hint
    assert registrations(store) == []


def test_memory_holds_one_chunk(register, table, monkeypatch):
    held = []
    monkeypatch.setattr(
        hashlib,
        "sha256",
        lambda data=b"", real=hashlib.sha256: held.append(len(data)) or real(data),
    )
    register(table)
    assert max(held) <= 4 * KIB


@pytest.mark.parametrize("name", ["mnist", "a/b", "..", "houses@2", "", "x" * 64])
def test_names_that_cannot_be_are_refused(register, table, name):
    with pytest.raises(InvalidInput, match="NAME"):
        register(table, name=name)
