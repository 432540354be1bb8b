"""The store through the store service, as a client without the volume uses it."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fitq_shared.errors import StoreError
from fitq_shared.store import Store
from support.redis_server import free_port
from support.webdav_server import WebdavServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebdavServer]:
    work = tmp_path_factory.mktemp("webdav")
    (work / "volume").mkdir()
    running = WebdavServer(work / "volume", work)
    yield running
    running.stop()


@pytest.fixture
def local(server: WebdavServer) -> Store:
    """A folder of the volume, on the server's own machine."""
    return Store(tempfile.mkdtemp(dir=server.folder))


@pytest.fixture
def far(server: WebdavServer, local: Store) -> Store:
    """The same folder, from afar."""
    assert local.folder is not None
    return Store(f"{server.url()}/{local.folder.name}/")


def test_what_is_written_on_one_side_is_there_on_the_other(local: Store, far: Store) -> None:
    # Given files that a worker has written
    local.write("jobs/a/attempt-1/log.txt", b"one")
    local.write("jobs/a/attempt-1/deep er/ü.bin", bytes(range(256)) * 9000)
    # Then a client far away finds and reads them, whole and in pieces
    assert far.files("jobs/a") == ["attempt-1/deep er/ü.bin", "attempt-1/log.txt"]
    assert far.exists("")
    assert far.exists("jobs/a")
    assert far.read("jobs/a/attempt-1/deep er/ü.bin") == bytes(range(256)) * 9000
    with far.open("jobs/a/attempt-1/log.txt") as file:
        assert (file.read(1), file.read()) == (b"o", b"ne")
    (first, second) = far.details("jobs")
    assert (first.path, first.size) == ("a/attempt-1/deep er/ü.bin", 256 * 9000)
    assert second.modified is not None
    assert abs(second.modified - time.time()) < 120
    # And what it writes is there for the workers, and nothing else
    far.write("inputs/b.npz", b"two")
    far.write("inputs/b.npz", b"three")
    assert local.files("inputs") == ["b.npz"]
    assert local.read("inputs/b.npz") == b"three"
    # And what it removes is gone
    far.remove("inputs/b.npz")
    far.remove_tree("jobs/a")
    far.remove_tree("nothing")
    assert local.files("") == []
    assert not far.exists("jobs/a")
    assert far.files("nowhere") == []


def test_a_file_is_kept_once(local: Store, far: Store, tmp_path: Path) -> None:
    (tmp_path / "input.npz").write_bytes(b"content" * 100_000)
    far.put(tmp_path / "input.npz", "inputs/abc.npz")
    far.put(tmp_path / "input.npz", "inputs/abc.npz")
    assert local.files("") == ["inputs/abc.npz"]
    assert local.read("inputs/abc.npz") == b"content" * 100_000


def test_a_reader_never_sees_a_part(local: Store, far: Store) -> None:
    # Given a reader in the volume who looks all the time
    contents = [bytes([letter]) * 3_000_000 for letter in b"ab"]
    seen, leave = set(), threading.Event()

    def read() -> None:
        assert local.folder is not None
        while not leave.is_set():
            if (local.folder / "file").exists():
                with contextlib.suppress(FileNotFoundError):  # replaced just now
                    seen.add((local.folder / "file").read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    # When a client writes it again and again
    try:
        for turn in range(10):
            far.write("file", contents[turn % 2])
    finally:
        leave.set()
        reader.join()
    # Then only whole contents were seen
    assert seen
    assert seen <= set(contents)


def test_a_person_is_told_a_place_without_the_password(far: Store) -> None:
    place = far.locate("jobs/a")
    assert place.startswith("webdav+http://ann:***@127.0.0.1:")
    assert place.endswith("/jobs/a")
    assert far.folder is None


@pytest.mark.parametrize("verb", ["read", "exists", "files", "remove", "write"])
def test_a_wrong_password_is_named_and_not_shown(server: WebdavServer, verb: str) -> None:
    # Given the wrong password, which a person would not like to see printed
    store = Store(server.url("ann:wrong-secret@"))
    # When the store is asked for anything
    with pytest.raises(StoreError) as caught:
        store.write("file", b"") if verb == "write" else getattr(store, verb)("file")
    # Then it says that the server refuses, and where the login is set
    assert "401" in caught.value.message
    assert "FITQ_STORE" in caught.value.hint
    assert "wrong-secret" not in caught.value.message


def test_a_server_that_is_not_there_is_named() -> None:
    store = Store(f"webdav+http://ann:secret@127.0.0.1:{free_port()}")
    with pytest.raises(StoreError, match="Connection refused") as caught:
        store.exists("jobs")
    assert "secret" not in caught.value.message


def test_a_missing_file_is_named_with_the_store(far: Store) -> None:
    with pytest.raises(StoreError, match=r"cannot read 'nothing\.txt'") as caught:
        far.read("nothing.txt")
    assert "in the store 'webdav+http://ann:***@" in caught.value.message
    assert "No such file" in caught.value.message


@pytest.mark.parametrize(
    "url", ["webdav+ftp://ann:secret@host", "webdav+http://", "webdav+http://ann:secret@h:port"]
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        Store(url)
    assert "secret" not in caught.value.message


def test_without_the_library_the_client_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a client that was installed without its extra
    monkeypatch.setitem(sys.modules, "fitq_shared.webdav", None)
    with pytest.raises(StoreError) as caught:
        Store("webdav+http://ann:secret@host")
    assert "pip install 'fitq[webdav]'" in caught.value.message
    assert "secret" not in caught.value.message
