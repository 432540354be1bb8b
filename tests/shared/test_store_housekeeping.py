"""Sizes, ages, and the removal of folders, in a folder and in a store that is none."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path

import pytest

from fitq_shared.errors import StoreError
from fitq_shared.store import Store


@pytest.fixture(params=["folder", "memory"])
def any_store(request, tmp_path) -> Store:
    url = str(tmp_path / "volume") if request.param == "folder" else f"memory://{uuid.uuid4().hex}"
    return Store(url)


def test_files_are_told_with_size_and_age(any_store):
    # Given two files
    before = time.time() - 1
    any_store.write("jobs/a/log.txt", b"four")
    any_store.write("jobs/b.txt", b"")

    # When they are listed
    first, second = any_store.details("jobs")

    # Then each has its path, size and the time of its last change
    assert (first.path, first.size) == ("a/log.txt", 4)
    assert (second.path, second.size) == ("b.txt", 0)
    assert before <= first.modified <= time.time() + 1
    assert any_store.details("nothing") == []


def test_the_age_is_that_of_the_content(tmp_path):
    store = Store(str(tmp_path))
    store.write("file", b"")
    os.utime(tmp_path / "file", (1000, 2000))
    [file] = store.details("")
    assert file.modified == 2000


def test_a_folder_is_removed_with_all_that_is_in_it(any_store):
    # Given two folders
    any_store.write("jobs/a/deep/er", b"1")
    any_store.write("jobs/a/file", b"2")
    any_store.write("jobs/ab/file", b"3")

    # When one of them is removed, and again
    any_store.remove_tree("jobs/a")
    any_store.remove_tree("jobs/a")

    # Then the other is left
    assert any_store.files("jobs") == ["ab/file"]
    assert not any_store.exists("jobs/a")

    # And a file can be removed in the same way
    any_store.remove_tree("jobs/ab/file")
    assert any_store.files("jobs") == []


@pytest.mark.parametrize("path", ["", "../out", "/etc", "jobs/.."])
def test_what_is_not_in_the_store_is_never_removed(store, path):
    store.write("jobs/a", b"")
    with pytest.raises(StoreError, match=r"leaves the store|never removed"):
        store.remove_tree(path)
    assert store.files("") == ["jobs/a"]


def test_a_folder_in_which_somebody_works_is_named(store, monkeypatch):
    store.write("jobs/a/file", b"")
    monkeypatch.chdir(Path(store.folder) / "jobs" / "a")
    with pytest.raises(StoreError) as caught:
        store.remove_tree("jobs/a")
    assert "cannot remove 'jobs/a'" in caught.value.message
    assert caught.value.hint == "leave that folder"
