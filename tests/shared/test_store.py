from __future__ import annotations

import hashlib
import threading
import uuid

import pytest

from fitq_shared.errors import StoreError
from fitq_shared.store import Store


@pytest.fixture(params=["folder", "memory"])
def any_store(request, tmp_path) -> Store:
    """A folder, and a store that is none."""
    url = str(tmp_path / "volume") if request.param == "folder" else f"memory://{uuid.uuid4().hex}"
    return Store(url)


@pytest.fixture
def unwritable(tmp_path) -> Store:
    """A root that nobody can make, not even root: it lies below a regular file."""
    (tmp_path / "file").write_text("")
    return Store(str(tmp_path / "file/volume"))


def test_what_is_written_can_be_found_read_and_removed(any_store):
    # Given an empty store
    assert any_store.files("jobs") == []
    assert not any_store.exists("jobs/a/log.txt")

    # When two files are written
    any_store.write("jobs/a/log.txt", b"one")
    any_store.write("jobs/a/deep/er.bin", bytes(range(256)))

    # Then they are there, whole and in pieces
    assert any_store.files("jobs") == ["a/deep/er.bin", "a/log.txt"]
    assert any_store.exists("jobs/a")
    assert any_store.read("jobs/a/deep/er.bin") == bytes(range(256))
    with any_store.open("jobs/a/log.txt") as file:
        assert (file.read(1), file.read()) == (b"o", b"ne")

    # And written again they are replaced, and removed they are gone
    any_store.write("jobs/a/log.txt", b"two")
    assert any_store.read("jobs/a/log.txt") == b"two"
    any_store.remove("jobs/a/log.txt")
    assert any_store.files("jobs") == ["a/deep/er.bin"]


def test_a_reader_never_sees_a_part(store):
    # Given a large file, and a reader who reads it again and again
    contents = [bytes([letter]) * 2_000_000 for letter in b"ab"]
    store.write("file", contents[0])
    seen, leave = set(), threading.Event()

    def read() -> None:
        while not leave.is_set():
            seen.add(hashlib.sha256(store.read("file")).hexdigest())

    reader = threading.Thread(target=read)
    reader.start()

    # When it is replaced many times meanwhile
    for turn in range(50):
        store.write("file", contents[turn % 2])
    leave.set()
    reader.join()

    # Then only whole contents were seen, and nothing else is left
    assert seen <= {hashlib.sha256(content).hexdigest() for content in contents}
    assert [path.name for path in store.folder.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_nothing_behind(store):
    # Given a folder where the file should be
    store.write("jobs/a/file", b"")

    # When the file is written
    with pytest.raises(StoreError, match="cannot write 'jobs/a'"):
        store.write("jobs/a", b"content")

    # Then no part of it is left
    assert store.files("jobs") == ["a/file"]


@pytest.mark.parametrize(
    "path",
    [
        *("../out", "a/../../out", "/etc/passwd", "..", "a/..", "a\\..\\..\\out"),
        *("jobs/", "jobs//out", "./out", "jobs/./out", "."),
        *("a\0b", "a\nb", "a\x1b[2J", "a\u202eb", "a\udc80"),
    ],
)
@pytest.mark.parametrize("verb", ["read", "write", "remove", "exists", "files", "open"])
def test_a_path_that_leaves_the_store_is_refused(store, verb, path):
    (store.folder.parent / "out").write_text("secret")
    with pytest.raises(StoreError, match="leaves the store"):
        if verb == "write":
            store.write(path, b"mine")
        elif verb == "open":
            with store.open(path):
                pass
        else:
            getattr(store, verb)(path)
    assert (store.folder.parent / "out").read_text() == "secret"


@pytest.mark.parametrize("path", ["a" * 10_000, "a/" * 600 + "b"])
def test_a_path_that_is_too_long_is_refused_in_a_short_line(store, path):
    with pytest.raises(StoreError, match="is too long") as caught:
        store.write(path, b"")
    assert len(caught.value.message) < 150


def test_a_place_outside_the_store_is_not_told_either(store):
    with pytest.raises(StoreError, match="leaves the store"):
        store.locate("../out")


def test_a_missing_file_is_named_with_the_store(any_store):
    with pytest.raises(StoreError) as caught:
        any_store.read("jobs/nothing.txt")
    assert "jobs/nothing.txt" in caught.value.message
    assert any_store.url in caught.value.message
    assert caught.value.hint


def test_removing_a_missing_file_is_an_error(any_store):
    with pytest.raises(StoreError, match=r"cannot remove 'nothing\.txt'"):
        any_store.remove("nothing.txt")


def test_a_root_that_cannot_be_written_is_named(unwritable):
    with pytest.raises(StoreError) as caught:
        unwritable.write("file", b"")
    assert "cannot write 'file'" in caught.value.message
    assert "belongs to the user" in caught.value.hint
    assert not unwritable.exists("file")
    assert unwritable.files("jobs") == []


def test_a_kind_of_store_that_nobody_knows_is_refused():
    with pytest.raises(StoreError) as caught:
        Store("nosuch://bucket")
    assert "nosuch" in caught.value.message
    assert "FITQ_STORE" in caught.value.hint


def test_a_person_is_told_a_place_that_they_can_open(tmp_path):
    assert Store(str(tmp_path)).locate("jobs/a") == str(tmp_path / "jobs/a")
    assert Store("memory://bucket").locate("jobs/a") == "memory:///bucket/jobs/a"
    assert Store("memory://bucket").folder is None


def test_a_file_is_kept_once_under_its_path(any_store, tmp_path):
    # Given two files with the same content
    (tmp_path / "first.npz").write_bytes(b"content")
    (tmp_path / "second.npz").write_bytes(b"content")

    # When both are put into the store
    any_store.put(tmp_path / "first.npz", "inputs/abc.npz")
    any_store.put(tmp_path / "second.npz", "inputs/abc.npz")

    # Then it is there once
    assert any_store.files("inputs") == ["abc.npz"]
    assert any_store.read("inputs/abc.npz") == b"content"
    [file] = any_store.details("inputs")
    assert any_store.modified("inputs/abc.npz") == file.modified
    assert any_store.modified("inputs/nothing.npz") is None


def test_a_file_that_is_not_there_cannot_be_put(any_store, tmp_path):
    with pytest.raises(StoreError, match=r"nothing\.npz"):
        any_store.put(tmp_path / "nothing.npz", "inputs")


# -- the mark ---------------------------------------------------------------------------------


def test_a_volume_has_one_mark(tmp_path):
    mark = Store(str(tmp_path)).marked()
    assert Store(str(tmp_path)).marked() == mark
    assert Store(str(tmp_path), mark).is_there


@pytest.mark.parametrize("left", ["nothing", "empty", "another"])
def test_a_volume_that_is_gone_is_a_fault_that_passes(tmp_path, left):
    # Given a volume that is gone, and what is in its place
    place = tmp_path / "volume"
    place.mkdir()
    store = Store(str(place), Store(str(place)).marked())
    store.write("a/file", b"x")
    place.rename(tmp_path / "elsewhere")
    if left != "nothing":
        place.mkdir()
    if left == "another":
        Store(str(place)).marked()
    before = sorted(tmp_path.rglob("*"))
    # When it is used
    for use in (
        lambda: store.read("a/file"),
        lambda: store.write("a/other", b"x"),
        lambda: store.make_folder("b"),
    ):
        with pytest.raises(StoreError) as caught:
            use()
        # Then it may come back, and nothing is written in its place
        assert caught.value.passing
    assert sorted(tmp_path.rglob("*")) == before
    assert not store.is_there
