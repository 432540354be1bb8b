from __future__ import annotations

import errno
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from fitq_shared.errors import InvalidInput, StoreError
from fitq_worker.datasets.disk_cache import DEFAULT_SIZE, DiskCache


def writes(content: bytes = b"x", name: str = "a") -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return fill


def never(folder: Path) -> None:
    raise AssertionError(f"{folder} is filled again")


@pytest.fixture
def cache(tmp_path: Path) -> DiskCache:
    return DiskCache(tmp_path / "cache")


def test_an_entry_is_filled_once(cache: DiskCache) -> None:
    # Given an entry
    assert (cache.entry("one", writes(b"1")).path / "a").read_bytes() == b"1"
    # When it is asked for again, by whoever uses the same folder, then it is there
    other = DiskCache(cache.folder)
    assert (other.entry("one", never).path / "a").read_bytes() == b"1"
    # And another one is another
    assert (other.entry("two", writes(b"2")).path / "a").read_bytes() == b"2"


def test_what_failed_is_no_entry_and_goes_on_where_it_stopped(cache: DiskCache) -> None:
    # Given a fill that fails after a while
    def breaks(folder: Path) -> None:
        (folder / "begun").write_bytes(b"half")
        raise ValueError("cut off")

    with pytest.raises(ValueError, match="cut off"):
        cache.entry("one", breaks)

    # When it is filled again, then what was done is there
    def goes_on(folder: Path) -> None:
        assert (folder / "begun").read_bytes() == b"half"
        (folder / "done").touch()

    entry = cache.entry("one", goes_on)
    assert sorted(path.name for path in entry.path.iterdir()) == ["begun", "done"]


def test_an_error_that_is_kept_keeps_no_lock(cache: DiskCache) -> None:
    # Given a fill that failed, and its error, which somebody still has
    def breaks(_: Path) -> None:
        raise ValueError("cut off")

    def no_waiting() -> None:
        raise AssertionError("the entry is locked")

    with pytest.raises(ValueError, match="cut off") as kept:
        cache.entry("one", breaks)
    # When it is filled again, then nobody waits
    assert (cache.entry("one", writes(), no_waiting).path / "a").exists()
    assert kept.value


def _fill_together(cache: DiskCache, log: Path, together: Barrier) -> None:
    def fill(folder: Path) -> None:
        with log.open("a") as file:
            file.write("filled\n")
        (folder / "a").touch()

    together.wait(100)
    assert (cache.entry("one", fill).path / "a").exists()


def test_of_several_workers_one_fills_and_the_others_wait(cache: DiskCache, tmp_path: Path) -> None:
    # Given workers that want the same entry at once
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(3)
    log = tmp_path / "log"
    workers = [spawn.Process(target=_fill_together, args=(cache, log, together)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(100)
    # Then all have it, and one has filled it
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert log.read_text() == "filled\n"


def test_what_was_used_the_longest_ago_goes_first(cache: DiskCache) -> None:
    # Given room for two and a half of three entries, the first of which was used the last
    cache.limit = 2500
    for at, name in enumerate(("one", "two", "one")):
        entry = cache.entry(name, writes(b"x" * 1000))
        os.utime(entry.path, (at, at))
        del entry
    # When the third comes
    cache.entry("three", writes(b"x" * 1000))
    # Then the second is gone
    assert sorted(path.name for path in (cache.folder / "entries").iterdir()) == ["one", "three"]


def test_what_is_in_use_stays(cache: DiskCache) -> None:
    # Given an entry in use, and room for none but it
    cache.limit = 1000
    used = cache.entry("used", writes(b"x" * 1000))
    os.utime(used.path, (0, 0))
    # When others come
    for name in ("two", "three"):
        cache.entry(name, writes(b"x" * 1000))
    # Then it is still there, and what nobody uses is not
    assert (used.path / "a").exists()
    assert {path.name for path in (cache.folder / "entries").iterdir()} == {"used", "three"}


def test_what_nobody_goes_on_to_fill_is_removed_too(cache: DiskCache) -> None:
    def breaks(folder: Path) -> None:
        (folder / "begun").write_bytes(b"x" * 1000)
        raise ValueError

    cache.limit = 1000
    with pytest.raises(ValueError):
        cache.entry("broken", breaks)
    cache.entry("two", writes())
    assert list((cache.folder / "parts").iterdir()) == []


def test_a_damaged_entry_is_forgotten(cache: DiskCache) -> None:
    cache.forget(cache.entry("one", writes(b"damaged")))
    assert (cache.entry("one", writes(b"whole")).path / "a").read_bytes() == b"whole"


def test_a_full_disk_passes(cache: DiskCache) -> None:
    def fill(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StoreError, match=r"cache .* cannot be used: No space left") as failed:
        cache.entry("one", fill)
    assert failed.value.passing
    assert "FITQ_CACHE" in failed.value.hint


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=f"{tmp_path}/file/cache cannot be used: Not a directory"):
        DiskCache(tmp_path / "file" / "cache").entry("one", writes())


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    # When folder and size are set, then they count
    cache = DiskCache.from_environment({"FITQ_CACHE": "/somewhere", "FITQ_CACHE_BYTES": "2GiB"})
    assert (cache.folder, cache.limit) == (Path("/somewhere"), 2 * 2**30)
    assert DiskCache.from_environment({"FITQ_CACHE_BYTES": "2000000"}).limit == 2_000_000
    # When they are not, then the user's cache has it
    cache = DiskCache.from_environment({"XDG_CACHE_HOME": str(tmp_path)})
    assert (cache.folder, cache.limit) == (tmp_path / "fitq", DEFAULT_SIZE)


@pytest.mark.parametrize("text", ["much", "-1GiB", "1000"])
def test_a_size_that_makes_no_sense_is_named(text: str) -> None:
    with pytest.raises(InvalidInput, match=f"FITQ_CACHE_BYTES = '{text}': expected a size"):
        DiskCache.from_environment({"FITQ_CACHE_BYTES": text})


def test_who_waits_for_another_worker_can_be_stopped(cache: DiskCache) -> None:
    # Given an entry that another worker is filling
    def fill(folder: Path) -> None:
        with pytest.raises(RuntimeError, match="stop"):
            DiskCache(cache.folder).entry("one", never, stop)
        (folder / "a").touch()

    def stop() -> None:
        raise RuntimeError("stop")

    # When who waits for it is told to stop, then they do, and the other goes on
    assert (cache.entry("one", fill).path / "a").exists()
