"""Models are built and tried on a worker, and not trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fitq.own_model import complete_with_files
from fitq.queue import Queue
from fitq.uploads import upload_all
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import InvalidInput
from fitq_shared.record import JobRecord
from support.code import NET, write_files

Run = Callable[..., JobRecord]


@pytest.fixture
def check(queue: Queue, finish: Run, tmp_path: Path) -> Callable[..., JobRecord]:
    """Check a model, which is a file of this test's folder or a name."""

    def run(model: Any, state: str = "succeeded", **values: Any) -> JobRecord:
        given = {"kind": "check", "model": model, **values}
        spec, uploads = complete_with_files(given, queue.settings, tmp_path)
        upload_all(queue, uploads)
        return finish(spec, state)

    return run


def result(queue: Queue, record: JobRecord) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(queue.artifacts.folder(record).read(AttemptFolder.check))
    return found


def test_a_builder_is_built_and_summed_up(
    queue: Queue, check: Callable[..., JobRecord], tmp_path: Path
) -> None:
    # Given a builder
    write_files(tmp_path, net=NET)
    # When it is checked with an option
    record = check({"type": "net.py:build", "units": 3})
    # Then its summary is kept, with its shapes by their names, and its parameters are counted
    found = result(queue, record)
    assert found["inputs"] == [{"name": "image", "shape": [28, 28], "dtype": "uint8"}]
    assert found["outputs"] == [{"name": "label", "shape": [10], "dtype": "float32"}]
    assert record.metrics == {"parameters": 784 * 3 + 3 + 3 * 10 + 10}
    assert "dense" in queue.artifacts.folder(record).read(AttemptFolder.summary).decode()
    assert record.queue.startswith("fitq.v1.any-code.")


def test_a_model_is_tried_on_data_that_fit_and_no_metrics_of_it_are_shown(
    check: Callable[..., JobRecord], tmp_path: Path
) -> None:
    write_files(tmp_path, net=NET)
    record = check("net.py:build", dataset="mnist")
    assert [*(record.metrics or {})] == ["parameters"]
    assert record.summary == "net.py:build on mnist"


def test_shapes_that_do_not_fit_are_named_with_the_layer(
    check: Callable[..., JobRecord], tmp_path: Path
) -> None:
    # Given a model for rows of 32 numbers, and images of 28 by 28
    source = """
        import keras
        def build():
            return keras.Sequential(
                [keras.Input((32,), name="row"), keras.layers.Dense(10, activation="softmax")])
        """
    write_files(tmp_path, net=source)
    # When it is checked with the images
    record = check("net.py:build", "failed", dataset="mnist")
    # Then the layer is named, and both shapes
    assert record.reason is not None
    assert record.reason.kind == "bad-job"
    assert "takes (n, 32), but 'image' has (n, 28, 28)" in record.reason.message
    assert "'row'" in record.reason.message


def test_a_layer_inside_a_subclassed_model_is_named(
    check: Callable[..., JobRecord], tmp_path: Path
) -> None:
    source = """
        import keras
        class Net(keras.Model):
            def __init__(self):
                super().__init__()
                self.first = keras.layers.Conv2D(4, 3, name="first")
            def call(self, x):
                return self.first(x)
        def build(): return Net()
        """
    write_files(tmp_path, net=source)
    record = check("net.py:build", "failed", dataset="mnist")
    assert record.reason is not None
    assert "the layer 'first' (Conv2D) cannot take (1, 28, 28)" in record.reason.message


def test_an_output_that_does_not_fit_its_target_is_named_with_both_shapes(
    check: Callable[..., JobRecord], tmp_path: Path
) -> None:
    # Given a model that forgot to flatten the images
    write_files(tmp_path, net=NET.replace("keras.layers.Flatten(),", ""))
    record = check("net.py:build", "failed", dataset="mnist")
    assert record.reason is not None
    assert record.reason.kind == "bad-job"
    assert "'label'" in record.reason.message
    assert "(n, 28, 10)" in record.reason.message
    assert "(n,)" in record.reason.message


def test_outputs_go_by_the_names_of_the_model(
    queue: Queue, check: Callable[..., JobRecord], tmp_path: Path
) -> None:
    source = """
        import keras
        def build():
            x = keras.Input((4,), name="x")
            made = {"price": keras.layers.Dense(1)(x), "quick": keras.layers.Dense(2)(x)}
            return keras.Model(x, made)
        """
    write_files(tmp_path, net=source)
    found = result(queue, check("net.py:build"))
    assert [one["name"] for one in found["outputs"]] == ["price", "quick"]


def test_a_model_without_shapes_needs_a_data_set(
    check: Callable[..., JobRecord], tmp_path: Path
) -> None:
    source = "import keras\ndef build(): return keras.Sequential([keras.layers.Dense(1)])"
    write_files(tmp_path, net=source)
    record = check("net.py:build", "failed")
    assert record.reason is not None
    assert "learns its shapes from the data" in record.reason.message
    assert "--dataset" in record.reason.hint


def test_a_builder_that_raises_fails_the_job_in_the_users_words(
    queue: Queue, check: Callable[..., JobRecord], tmp_path: Path
) -> None:
    # Given a builder that raises, and the worker's next job
    write_files(tmp_path, net="def build(): raise ValueError('no such net')")
    # When it is checked
    record = check("net.py:build", "failed")
    # Then the reason has the line and the words, and the log no line of the worker's
    assert record.reason is not None
    assert record.reason.message == "net.py line 1, in build: ValueError: no such net"
    log = queue.artifacts.folder(record).read(AttemptFolder.log).decode()
    assert "Traceback" not in log
    assert "own_code" not in log
    # And the worker lives on with the next version of the file
    write_files(tmp_path, net=NET)
    check("net.py:build")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def build(): pass", "net.py:build returned nothing"),
        ("def build(): return [1]", "returned an object of list: [1]"),
        ("import keras\ndef build(): return keras.Sequential(), 3", "a model and an object of int"),
        (
            "import keras\ndef build(): return keras.Sequential(), {'callback': []}",
            "did you mean 'callbacks'?",
        ),
        (
            "import keras\ndef build(): return keras.Sequential(), {'callbacks': [print]}",
            "among its callbacks",
        ),
        ("import notthere\ndef build(): pass", "needs 'notthere'"),
    ],
    ids=["nothing", "a list", "no dict", "unknown argument", "no callback", "missing package"],
)
def test_what_is_no_model_is_said(
    check: Callable[..., JobRecord], tmp_path: Path, source: str, words: str
) -> None:
    write_files(tmp_path, net=source)
    record = check("net.py:build", "failed")
    assert record.reason is not None
    assert record.reason.kind == "bad-job"
    assert words in record.reason.message


def test_files_of_keras_are_checked_like_builders(
    queue: Queue, check: Callable[..., JobRecord], tmp_path: Path, trained: JobRecord
) -> None:
    # Given a trained model's file and its JSON configuration
    folder = queue.artifacts.folder(trained)
    (tmp_path / "model.keras").write_bytes(folder.read(AttemptFolder.model))
    (tmp_path / "model.json").write_bytes(folder.read(AttemptFolder.model_config))
    # When both are checked on data
    file = check("model.keras", dataset="mnist")
    configuration = check("model.json", dataset="mnist")
    # Then both have its parameters
    assert file.metrics is not None
    assert file.metrics == configuration.metrics
    # And neither needs a worker that allows code
    assert {file.queue.split(".")[2], configuration.queue.split(".")[2]} == {"any"}


@pytest.mark.parametrize("first", ["keras.Input((32,), name='row')", "keras.layers.Conv2D(1, 3)"])
def test_the_model_is_checked_behind_its_preprocessing(
    queue: Queue, check: Callable[..., JobRecord], tmp_path: Path, first: str
) -> None:
    # Given a model that knows its shapes, or learns them from the data
    source = f"""
        import keras
        def build(reshape=False):
            flat = [keras.layers.Reshape((4, 8, 1))] if reshape else []
            return keras.Sequential(
                [*flat, {first}, keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
        """
    write_files(tmp_path, net=source)
    # When the images do not fit as they are prepared
    steps: Any = [{"type": "resize", "height": 7, "width": 7}]
    record = check("net.py:build", "failed", dataset="mnist", preprocessing={"image": steps})
    # Then it is said how they come to the layer, and how they are in the data
    assert record.reason is not None
    assert "(n, 7, 7) after its preprocessing, (n, 28, 28) before" in record.reason.message
    # And when they do, the summary shows the steps too
    steps = [{"type": "resize", "height": 4, "width": 8}, "flatten"]
    model = {"type": "net.py:build", "reshape": "Conv2D" in first}
    record = check(model, dataset="mnist", preprocessing={"image": steps})
    assert "Resizing" in queue.artifacts.folder(record).read(AttemptFolder.summary).decode()
    assert [one["shape"] for one in result(queue, record)["inputs"]] == [[28, 28]]


def test_a_model_without_a_call_cannot_stand_behind_preprocessing(
    check: Callable[..., JobRecord], tmp_path: Path
) -> None:
    source = """
        import keras
        class Net(keras.Model):
            def train_step(self, data):
                return {"loss": 0.0}
        def build(): return Net()
        """
    write_files(tmp_path, net=source)
    steps = {"image": ["rescale"]}
    record = check("net.py:build", "failed", dataset="mnist", preprocessing=steps)
    assert record.reason is not None
    assert "has no call method, so no preprocessing can be put before it" in record.reason.message


def test_preprocessing_without_data_is_a_mistake(
    check: Callable[..., JobRecord], tmp_path: Path
) -> None:
    write_files(tmp_path, net=NET)
    with pytest.raises(InvalidInput, match="a data set, whose fields are to be prepared"):
        check("net.py:build", preprocessing={"image": ["flatten"]})
