"""Versions of data sets in a store: a folder, WebDAV, S3; and whoever adds at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import s3fs

from fitq_shared.dataset_manifest import DatasetManifest, chunk_path
from fitq_shared.datasets import copy_files, read_file, read_manifest
from fitq_shared.errors import StoreError
from fitq_shared.registrations import (
    find_content,
    register,
    registrations,
    unregister,
)
from fitq_shared.store import Store
from support.s3_server import S3Server
from support.webdav_server import WebdavServer

CONTENT = b"price\n100\n200\n"


def manifest(content: bytes = CONTENT, missing: tuple[str, ...] = ()) -> DatasetManifest:
    return DatasetManifest.parse(
        {
            "format": "csv",
            "files": [{"path": "sub/houses.csv", "size": len(content)}],
            "chunks": [{"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}],
            "missing": missing,
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    (tmp_path / "volume").mkdir()
    return Store(str(tmp_path / "volume"))


@pytest.fixture(scope="module")
def webdav(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    work = tmp_path_factory.mktemp("webdav")
    (work / "served").mkdir()
    server = WebdavServer(work / "served", work)
    yield server.url()
    server.stop()


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment(server.port).items():
            patch.setenv(name, value)
        s3fs.S3FileSystem().mkdir("volume")
        yield "s3://volume/fitq"
    server.stop()


@pytest.fixture(params=["folder", "webdav", "bucket"])
def store(request: pytest.FixtureRequest) -> Store:
    found = request.getfixturevalue(request.param)
    return found if isinstance(found, Store) else Store(found)


def test_versions_come_and_go_and_no_number_comes_twice(store: Store) -> None:
    # Given two versions
    first = register(store, "houses", manifest(), "ann")
    second = register(store, "houses", manifest(missing=("NA",)), "bob")
    assert [str(one) for one in registrations(store)] == ["houses@1", "houses@2"]
    # When the same content is registered again, nothing new comes of it
    assert register(store, "houses", manifest(), "bob") == first
    assert find_content(store, "houses", second.manifest) == second
    # When one is removed
    unregister(store, second)
    assert registrations(store) == [first]
    # Then its number is not used again, even for the same content
    third = register(store, "houses", manifest(missing=("NA",)), "ann")
    assert (third.version, third.manifest) == (3, second.manifest)
    assert read_manifest(store, third.ref) == manifest(missing=("NA",))
    # And what lies beside the versions is none
    store.write("datasets/registered/houses/notes.txt", b"mine")
    assert [one.version for one in registrations(store, "houses")] == [1, 3]


def test_a_file_is_created_only_where_nothing_is(store: Store) -> None:
    assert store.create("one/file", b"first")
    assert not store.create("one/file", b"second")
    assert store.read("one/file") == b"first"
    assert store.files("one") == ["file"]
    assert (store.size("one/file"), store.size("one/other")) == (5, None)


def test_those_who_add_at_once_get_a_version_each_or_the_same_for_the_same(folder: Store) -> None:
    # Given eight clients with four contents
    contents = [manifest(missing=(str(number % 4),)) for number in range(8)]

    # When all register at once
    def add(made: DatasetManifest) -> str:
        return str(register(Store(folder.url), "houses", made, "ann"))

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(add, contents))
    # Then there is a version for each content, and whoever has the same may share it
    found = {one.manifest: str(one) for one in registrations(folder)}
    assert {one.manifest for one in registrations(folder)} == {c.digest() for c in contents}
    assert {*found.values()} <= {*made}


def test_a_damaged_entry_is_named(folder: Store) -> None:
    register(folder, "houses", manifest(), "ann")
    path = "datasets/registered/houses/1.json"
    folder.write(path, folder.read(path).replace(b'"houses"', b'"homes"'))
    with pytest.raises(StoreError, match=r"houses/1\.json .* does not say"):
        registrations(folder)


@pytest.fixture
def write_chunks(folder: Store) -> Callable[..., None]:
    def write(content: bytes = CONTENT) -> None:
        folder.write(chunk_path(hashlib.sha256(CONTENT).hexdigest()), content)

    return write


def test_files_are_copied_out_of_the_store(folder, write_chunks, tmp_path) -> None:
    # Given a registered file
    write_chunks()
    one = register(folder, "houses", manifest(), "ann")
    # When it is copied
    found = read_manifest(folder, one.ref)
    copied = [file.path for file in copy_files(folder, one.ref, found, tmp_path / "copy")]
    # Then it is there, under its name, and may be read in pieces as well
    assert copied == ["sub/houses.csv"]
    assert (tmp_path / "copy/sub/houses.csv").read_bytes() == CONTENT
    [(_, pieces)] = found.pieces()
    assert b"".join(read_file(folder, "houses@1", pieces)) == CONTENT


@pytest.mark.parametrize(
    ("content", "said", "todo"),
    [(None, "is not whole", "only what is missing"), (b"other", "is damaged", "--send-all")],
)
def test_a_chunk_that_is_gone_or_another_is_an_error(
    folder, write_chunks, content, said, todo
) -> None:
    if content is not None:
        write_chunks(content)
    [(_, pieces)] = manifest().pieces()
    with pytest.raises(StoreError, match=said) as caught:
        list(read_file(folder, "houses@1", pieces))
    assert todo in caught.value.hint


def test_a_manifest_is_the_one_that_the_reference_means(folder) -> None:
    one = register(folder, "houses", manifest(), "ann")
    other = one.ref.model_copy(update={"manifest": "f" * 64})
    with pytest.raises(StoreError, match="is not whole"):
        read_manifest(folder, other)
    folder.write(chunk_path(one.manifest), b"{}")
    with pytest.raises(StoreError, match="is damaged"):
        read_manifest(folder, one.ref)
