from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fitq_shared.dataset_manifest import Column, chunk_path
from fitq_shared.datasets import read_manifest
from fitq_shared.errors import BadJob, StoreError
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.store import Store
from fitq_worker.datasets.registered import Choice, load_registered
from support.registered import npy, npz, register

X = np.arange(60, dtype=np.float32).reshape(20, 3)
IMAGE = Column(name="x", type="array", arrays={"train": "x"})


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("FITQ_CACHE", str(folder))
    return folder


def entry(cache: Path) -> Path:
    [found] = (cache / "entries").iterdir()
    return found


def numbers(store: Store, **arrays: np.ndarray) -> DatasetRef:
    """An .npz in which y is the target, and every other array an input."""
    columns = [
        Column(
            name=name,
            type="array",
            role="target" if name == "y" else "input",
            arrays={"train": name},
        )
        for name in arrays
    ]
    return register(store, "npz", {"a.npz": npz(**arrays)}, columns)


def test_later_jobs_need_no_store(store: Store) -> None:
    # Given data that a job has read
    ref = numbers(store, x=X)
    load_registered(ref, store, "train")
    # When its chunks are out of reach, but not the manifest
    for path in store.files("blobs"):
        if path.rpartition("/")[2] != ref.manifest:
            store.remove(f"blobs/{path}")
    # Then it can still be read
    examples = load_registered(ref, store, "train")
    np.testing.assert_array_equal(examples.read(np.arange(20))[0]["x"], X)


@pytest.mark.parametrize("damage", ["cut", "changed", "removed"])
def test_a_damaged_copy_is_fetched_again(store: Store, cache: Path, damage: str) -> None:
    # Given a copy that somebody has damaged
    ref = register(
        store,
        "npy",
        {"x.npy": npy(X)},
        [Column(name="x", type="array", arrays={"train": "x.npy"})],
    )
    load_registered(ref, store, "train")
    file = entry(cache) / "files" / "x.npy"
    if damage == "cut":
        os.truncate(file, 150)
    elif damage == "changed":
        file.write_bytes(npy(-X))
        os.utime(file, (1, 1))
    else:
        file.unlink()
    # When it is read again, then it is what it was
    examples = load_registered(ref, store, "train")
    np.testing.assert_array_equal(examples.read(np.arange(20))[0]["x"], X)


def test_data_that_is_damaged_in_the_store_is_never_used(store: Store, cache: Path) -> None:
    # Given a chunk that has changed since the data was registered
    ref = numbers(store, x=X)
    victim = next(p for p in store.files("blobs") if not p.endswith(ref.manifest))
    store.write(f"blobs/{victim}", b"x" * len(store.read(f"blobs/{victim}")))
    # When it is read, then that is said, and nothing of it is kept
    with pytest.raises(StoreError, match=r"mine@1 is damaged"):
        load_registered(ref, store, "train")
    assert not (cache / "entries").exists()


def test_an_interrupted_fetch_goes_on_where_it_stopped(store: Store) -> None:
    # Given texts, whose last chunk cannot be had for now
    files = {f"{label}.txt": os.urandom(600).hex().encode() for label in "ab"}
    columns = [
        Column(name="text", type="text"),
        Column(name="class", type="category", role="target", classes=["a", "b"]),
    ]
    ref = register(store, "texts", files, columns, labels={"a.txt": 0, "b.txt": 1}, piece=500)
    first, *_, last = [chunk_path(c.sha256) for c in read_manifest(store, ref).chunks]
    kept = store.read(last)
    store.remove(last)
    with pytest.raises(StoreError, match="not whole"):
        load_registered(ref, store, "train")
    # When it is there again, but the first no more
    store.write(last, kept)
    store.remove(first)
    # Then the data is whole all the same
    examples = load_registered(ref, store, "train")
    texts = examples.read(np.array([1, 0]))[0]["text"].tolist()
    assert texts == [files["b.txt"].decode(), files["a.txt"].decode()]


def test_a_split_that_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(BadJob, match=r"mine@1 has no split 'test': it has train"):
        load_registered(numbers(store, x=X), store, "test")


def test_columns_of_several_lengths_are_named(store: Store) -> None:
    with pytest.raises(BadJob, match=r"several lengths: x has 20 rows, y has 19 rows"):
        load_registered(numbers(store, x=X, y=np.zeros(19)), store, "train")


def test_nan_and_infinite_values_are_named_with_their_first_rows(store: Store) -> None:
    # Given an input and a target with values that nothing can be learned from
    x, y = X.copy(), np.zeros(20)
    x[[3, 7, 8, 9, 12, 15, 19], 1] = np.nan
    y[4] = np.inf
    with pytest.raises(BadJob) as failed:
        load_registered(numbers(store, x=x, y=y), store, "train")
    # Then both are named
    rows = "rows 3, 7, 8, 9, 12 and 2 more"
    assert f"'x' of the train split has values that are NaN or infinite: {rows}" in str(
        failed.value
    )
    assert "'y' of the train split has values that are NaN or infinite: row 4" in str(failed.value)
    assert "which values are missing" in failed.value.hint


def test_values_that_are_declared_to_be_missing_are_none_of_these(store: Store) -> None:
    # Given an input that may miss values
    x = X.copy()
    x[3, 1] = np.nan
    columns = [IMAGE.model_copy(update={"may_miss": True})]
    examples = load_registered(register(store, "npz", {"a.npz": npz(x=x)}, columns), store, "train")
    assert np.isnan(examples.read(np.array([3]))[0]["x"][0, 1])
    # But infinite ones are still wrong
    x[5] = np.inf
    ref = register(store, "npz", {"a.npz": npz(x=x)}, columns)
    with pytest.raises(BadJob, match="NaN or infinite: row 5"):
        load_registered(ref, store, "train")


def test_a_job_chooses_its_inputs_and_targets(store: Store) -> None:
    ref = numbers(store, a=X, b=X, y=X[:, 0])
    examples = load_registered(ref, store, "train", Choice(inputs=["b"], targets=["a", "y"]))
    assert (set(examples.inputs), set(examples.targets)) == ({"b"}, {"a", "y"})
    # Without a choice of inputs, targets are none of them
    examples = load_registered(ref, store, "train", Choice(targets=["a"]))
    assert (set(examples.inputs), set(examples.targets)) == ({"b"}, {"a"})


LARGER = """
import resource, sys
import numpy as np
from fitq_shared.specs.datasets import DatasetRef
from fitq_shared.store import Store
from fitq_worker.datasets.registered import load_registered

ref = DatasetRef.model_validate_json(sys.argv[2])
with open("/proc/self/status") as status:
    used = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
# What is mapped from files does not count: the kernel takes it back when it needs the memory.
limit = used + int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
examples = load_registered(ref, Store(sys.argv[1]), "train")
order = np.random.default_rng(1).permutation(len(examples))
total = 0.0
for start in range(0, len(order), 256):
    inputs, targets = examples.read(order[start : start + 256])
    total += float(inputs["x"][:, 0].sum() - targets["y"].sum())
print(total)
"""


def test_data_larger_than_memory_is_read(store: Store) -> None:
    # Given four times as much data as a process may take
    rows, width = 2**13, 2**12
    x = np.zeros((rows, width), np.float32)
    x[:, 0] = np.arange(rows)
    ref = register(
        store,
        "npz",
        {"a.npz": npz(x=x, y=x[:, 0].copy())},
        [IMAGE, Column(name="y", type="number", role="target", arrays={"train": "y"})],
        piece=2**22,
    )
    # When such a process reads all of it in a random order
    done = subprocess.run(
        [sys.executable, "-c", LARGER, store.url, ref.model_dump_json(), str(x.nbytes // 4)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    # Then each row is what it is
    assert done.stdout == "0.0\n", done.stderr


class StopError(Exception):
    """An order to the job."""


@pytest.mark.parametrize("order", [1, 3, 5])
def test_an_order_ends_the_preparing_and_the_next_job_goes_on(store: Store, order: int) -> None:
    # Given a table that takes a while
    text = "size\n" + "\n".join(map(str, range(5000)))
    columns = [Column(name="size", type="number")]
    ref = register(store, "csv", {"a.csv": text.encode()}, columns, piece=10_000)
    asked = 0

    def obey() -> None:
        nonlocal asked
        asked += 1
        if asked == order:
            raise StopError

    # When the job is told to stop meanwhile, then it does
    with pytest.raises(StopError):
        load_registered(ref, store, "train", obey=obey)
    assert asked == order
    # And the next one has the whole
    examples = load_registered(ref, store, "train", obey=obey)
    assert examples.read(np.array([4999]))[0]["size"].tolist() == [4999]
