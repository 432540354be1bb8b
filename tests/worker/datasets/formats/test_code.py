"""Data that code makes, in each of the forms that it may have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitq_shared.code_bundle import pack
from fitq_shared.dataset_manifest import CodeSource
from fitq_shared.errors import BadJob
from fitq_shared.store import Store
from fitq_worker.datasets.columns import Table
from fitq_worker.datasets.registered import load_registered
from fitq_worker.datasets.source import RunCode
from fitq_worker.examples import Field
from fitq_worker.own_code import OwnCode
from support.registered import register

HEAD = "import numpy as np\nimport keras\nimport tensorflow as tf\n"
X = np.arange(12, dtype=np.float32).reshape(4, 3)
Y = np.array([0, 1, 1, 2])


class NoOrders:
    """A reporter to which nobody says anything."""

    def obey(self) -> None:
        pass


def runs(store: Store, *, allowed: bool = True) -> RunCode:
    def run(source: CodeSource, content: bytes) -> OwnCode:
        return OwnCode(store, source, NoOrders(), allowed=allowed, content=content)  # type: ignore[arg-type]

    return run


@pytest.fixture
def load(store: Store, tmp_path: Path) -> Callable[..., Table]:
    """The data that the body of a function makes, with these options."""

    def make(body: str, split: str = "train", *, allowed: bool = True, **options: Any) -> Table:
        file = tmp_path / "maker.py"
        lines = "\n    ".join(body.strip().splitlines())
        file.write_text(f"{HEAD}def rows({', '.join(options)}):\n    {lines}\n")
        bundle = pack(file)
        code = CodeSource(module=bundle.module, function="rows", options=options)
        ref = register(store, "code", {"code.tar": bundle.content}, [], code=code, piece=10_000)
        return load_registered(ref, store, split, run_code=runs(store, allowed=allowed))

    return make


ARRAYS = "x = np.arange(12, dtype='float32').reshape(4, 3)\ny = np.array([0, 1, 1, 2])\n"


@pytest.mark.parametrize(
    "returns",
    [
        "return x, y",
        "return {'train': (x, y), 'test': (x, y)}",
        "return (x, y), (x[:2], y[:2])",
        "return {'x': x}, {'y': y}",
        "return tf.constant(x), tf.constant(y)",
        "return tf.data.Dataset.from_tensor_slices((x, y))",
        "return tf.data.Dataset.from_tensor_slices(({'x': x}, {'y': y})).batch(3)",
        "return ((row, label) for row, label in zip(x, y))",
        "for row, label in zip(x, y):\n    yield {'x': row}, label",
        "class Batches(keras.utils.PyDataset):\n"
        "    num_batches = 2\n"
        "    def __getitem__(self, at):\n"
        "        return x[2 * at:2 * at + 2], y[2 * at:2 * at + 2]\n"
        "return Batches()",
    ],
)
def test_arrays_datasets_and_generators_are_the_same_rows(load, returns: str) -> None:
    # When code gives its data in one of the forms that Keras takes
    examples = load(ARRAYS + returns)
    # Then its rows can be read in any order, and whole numbers from 0 are classes
    assert examples.inputs == {"x": Field((3,), "float32")}
    assert examples.targets == {"y": Field((), "int64", ("0", "1", "2"), "category")}
    rows = np.array([3, 0])
    inputs, targets = examples.read(rows)
    np.testing.assert_array_equal(inputs["x"], X[rows])
    np.testing.assert_array_equal(targets["y"], Y[rows])


def test_several_inputs_texts_weights_and_numbers(load) -> None:
    # When code gives more than an array
    examples = load(
        """
for number in (1, 2):
    x = {"words": f"text {number}", "bytes": b"raw", "flag": True}
    yield x, (number / 2, "abc"[number]), 0.5
"""
    )
    # Then each has its own name and type
    assert examples.inputs == {
        "words": Field((), "str", kind="text"),
        "bytes": Field((), "str", kind="text"),
        "flag": Field((), "bool"),
    }
    assert examples.targets == {
        "y_1": Field((), "float64"),
        "y_2": Field((), "int32", ("b", "c"), "category"),
    }
    inputs, targets = examples.read(np.array([1]))
    assert inputs["words"].tolist() == ["text 2"]
    assert targets["y_2"].tolist() == [1]


def test_it_runs_once_for_all_splits_and_jobs(load, tmp_path: Path) -> None:
    # Given code that leaves a trace
    body = (
        "open(trace, 'a').write('.')\nreturn {'train': np.zeros((n, 2)), 'test': np.ones((1, 2))}"
    )
    trace = tmp_path / "trace"
    # When two jobs read it
    assert len(load(body, trace=str(trace), n=5)) == 5
    assert len(load(body, "test", trace=str(trace), n=5)) == 1
    # Then it has run once, and once more only with another option
    assert trace.read_text() == "."
    assert len(load(body, trace=str(trace), n=6)) == 6
    assert trace.read_text() == ".."


def test_only_workers_that_allow_code_run_it(load) -> None:
    with pytest.raises(BadJob, match=r"maker.py:rows is code of your own, .* not allow") as failed:
        load("return np.zeros((2, 2))", allowed=False)
    assert "--allow-code" in failed.value.hint


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise KeyError('here')", "maker.py line 5, in rows: KeyError: .here"),
        ("yield 1\nyield 1 / 0", "maker.py line 6.* division by zero"),
        ("yield [1, 2]\nyield [1]", r"gives for 'x' rows of shape \(1,\) after rows of \(2,\)"),
        ("yield 1\nyield 1.5", "gives for 'x' rows of float64 after rows of int64"),
        ("yield {'a': 1}\nyield {'b': 1}", r"gives \['b'\] after \['a'\]"),
        ("return np.zeros((3, 2)), np.zeros(2)", "different numbers of rows: x: 3, y: 2"),
        ("return None", "maker.py:rows gives nothing"),
        ("return 5", "gives for 'x' what has no rows: int"),
        ("return [object()]", "gives for 'x' object among texts"),
        ("return np.array([1j])", "gives for 'x' values of complex128"),
        ("return [[1], [1, 2]]", "gives for 'x' what is no array"),
        ("return iter(())", "gives no rows"),
        ("return np.zeros(2), np.zeros(2), 1, 2", "gives 4 things together"),
        ("return {'x': np.zeros(2)}, {'x': np.zeros(2)}", "two things that are named 'x'"),
        ("return np.array([1, np.nan])", "'x' .* NaN or infinite: row 1"),
    ],
)
def test_what_is_no_data_is_said(load, body: str, reason: str) -> None:
    with pytest.raises(BadJob, match=reason):
        load(body)


@pytest.mark.parametrize(
    ("row", "rows"),
    [
        ("np.zeros(10_000)", 14),  # 80 kB each
        ("'é' * 10_000", 53),  # 20 kB as UTF-8, and 16 bytes for its bounds
        ("np.array('é' * 10_000, object)", 53),
    ],
)
def test_a_generator_without_an_end_is_stopped(
    load, monkeypatch: pytest.MonkeyPatch, row: str, rows: int
) -> None:
    monkeypatch.setenv("FITQ_CACHE_BYTES", "1MiB")
    # When it has given more than there is room for, on the disk and not as objects in memory
    with pytest.raises(BadJob, match=r"more than this worker's cache .* \(FITQ_CACHE_BYTES\)") as e:
        load(f"count = 0\nwhile count >= 0:\n    yield {row}")
    # Then it is stopped there
    assert f"has given {rows} rows so far" in e.value.message


def test_a_generator_that_takes_too_long_is_stopped(load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITQ_MAKE_SECONDS", "1e-9")
    with pytest.raises(
        BadJob, match=r"1 rows so far .* not done after 1e-09 s \(FITQ_MAKE_SECONDS"
    ):
        load("count = 0\nwhile count >= 0:\n    yield 1")


def test_the_log_says_how_many_rows_there_are(load, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "fitq.job")
    load("return (row for row in range(20_000))")
    assert "maker.py:rows has given 10,000 rows so far (0.1 MiB)" in caplog.text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("while True:\n    yield 1", "nothing leaves the `while True` in line 5 of maker.py"),
        (
            "while 1:\n    for n in range(9):\n        if n:\n            break\n        yield n",
            "line 5",
        ),
        ("import itertools\nreturn itertools.cycle([1, 2])", "itertools.cycle has no end"),
        ("return tf.data.Dataset.range(3).repeat()", "its tf.data.Dataset repeats for ever"),
    ],
)
def test_what_can_be_seen_to_be_endless_is_told_at_once(load, body: str, reason: str) -> None:
    with pytest.raises(BadJob, match=f"maker.py:rows never comes to an end: .*{reason}"):
        load(body)


@pytest.mark.parametrize(
    "body",
    [
        "n = 0\nwhile True:\n    yield n\n    n += 1\n    if n == 3:\n        break",
        "n = 0\nwhile True:\n    if n == 3:\n        return\n    yield n\n    n += 1",
        "try:\n    rows = iter(range(3))\n    while True:\n        yield next(rows)\n"
        "except StopIteration:\n    pass",
        "for n in range(3):\n    yield n\nwhile False:\n    yield 0",
        "return tf.data.Dataset.range(1).repeat(3)",
    ],
)
def test_what_may_end_is_left_to_do_so(load, body: str) -> None:
    assert len(load(body)) == 3
