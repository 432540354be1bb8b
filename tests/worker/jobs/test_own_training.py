"""Models of users' own from their training to their predictions, on one worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fitq.model_references import find_model
from fitq.own_model import complete_with_files
from fitq.queue import Queue
from fitq.uploads import upload_all
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.record import JobRecord
from support.code import write_files

Run = Callable[..., JobRecord]

NET = """
import keras
from shared import LEARNING_RATE, far

@keras.saving.register_keras_serializable("net")
class Net(keras.Model):
    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.scale = keras.layers.Rescaling(1 / 255)
        self.flat = keras.layers.Flatten()
        self.hidden = keras.layers.Dense(units, activation="relu")
        self.label = keras.layers.Dense(10, activation="softmax")

    def call(self, image):
        return self.label(self.hidden(self.flat(self.scale(image))))

    def train_step(self, data):
        print("a step of its own")
        return super().train_step(data)

    def get_config(self):
        return {**super().get_config(), "units": self.units}

class Told(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print("epoch", epoch, "version", VERSION)

VERSION = 1

def build(units=4):
    model = Net(units)
    model(keras.ops.zeros((1, 28, 28)))
    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), metrics=["accuracy", far],
                  loss="sparse_categorical_crossentropy")
    return model, {"callbacks": [Told()]}
"""
SHARED = """
import keras

LEARNING_RATE = 0.01

@keras.saving.register_keras_serializable("net")
def far(true, predicted):
    return keras.ops.mean(1.0 - keras.ops.max(predicted, axis=-1))
"""


@pytest.fixture(scope="module")
def submit(queue: Queue, finish: Run) -> Run:
    """Run a job whose files are in a folder."""

    def run(folder: Path, state: str = "succeeded", **values: Any) -> JobRecord:
        spec, uploads = complete_with_files(values, queue.settings, folder)
        upload_all(queue, uploads)
        return finish(spec, state)

    return run


@pytest.fixture(scope="module")
def own(submit: Run, tmp_path_factory: pytest.TempPathFactory) -> JobRecord:
    """A training of a subclassed model with a step, a metric and a callback of its own."""
    folder = tmp_path_factory.mktemp("home")
    write_files(folder, net=NET, shared=SHARED)
    return submit(folder, **job(model={"type": "net.py:build", "units": 8}))


def job(**changes: Any) -> dict[str, Any]:
    values = {"kind": "train", "dataset": "mnist", "rows": 4000, "epochs": 2, "batch_size": 500}
    return {**values, "seed": 1, **changes}


def log_of(queue: Queue, record: JobRecord) -> str:
    return queue.artifacts.folder(record).read(AttemptFolder.log).decode()


def test_it_is_trained_by_its_own_way(queue: Queue, own: JobRecord) -> None:
    # Then its compile state was used, and its metric, its step and its callback ran
    assert own.metrics is not None
    assert {"accuracy", "far", "val_far"} <= own.metrics.keys()
    assert own.metrics["accuracy"] > 0.2
    log = log_of(queue, own)
    assert "a step of its own" in log
    assert "epoch 1 version 1" in log
    history = json.loads(queue.artifacts.folder(own).read(AttemptFolder.history_json))
    assert history[0]["learning_rate"] == pytest.approx(0.01)
    assert own.summary == "net.py:build on mnist, 2 epochs"


def test_what_it_published_is_evaluated_and_predicts(
    queue: Queue, own: JobRecord, fill: Any, finish: Run
) -> None:
    reference = find_model(queue, own.id)[1]
    assert reference.code
    evaluated = finish(fill(kind="evaluate", model=reference, dataset="mnist", batch_size=5000))
    assert evaluated.metrics is not None
    assert evaluated.metrics["accuracy"] > 0.2
    assert "far" in evaluated.metrics
    rows = {"type": "dataset", "dataset": "mnist", "split": "test"}
    predicted = finish(fill(kind="predict", model=reference, rows=rows, batch_size=5000))
    assert predicted.metrics is not None
    assert predicted.metrics["accuracy"] == pytest.approx(evaluated.metrics["accuracy"])
    # And both waited for a worker that allows code
    assert {record.queue.split(".")[2] for record in (evaluated, predicted)} == {"any-code"}


def test_flags_come_before_what_the_builder_says(
    queue: Queue, submit: Run, tmp_path: Path, own: JobRecord
) -> None:
    # Given the next version of the file, for the process that has trained the one before
    write_files(tmp_path, net=NET.replace("VERSION = 1", "VERSION = 2"), shared=SHARED)
    optimizer = {"name": "sgd", "learning_rate": 0.5}
    record = submit(
        tmp_path, **job(model="net.py:build", optimizer=optimizer, metrics=[], epochs=1)
    )
    # Then it is that version, with the job's optimizer and metrics
    assert "epoch 0 version 2" in log_of(queue, record)
    history = json.loads(queue.artifacts.folder(record).read(AttemptFolder.history_json))
    assert history[0]["learning_rate"] == pytest.approx(0.5)
    assert record.metrics is not None
    assert "far" not in record.metrics


def test_the_next_version_begins_with_the_weights_of_the_one_before(
    queue: Queue, submit: Run, tmp_path: Path, own: JobRecord
) -> None:
    # Given the next version of the code, with another loss, and hardly any step
    late = NET.replace("VERSION = 1", "VERSION = 3").replace(
        "def on_epoch_end",
        "def on_epoch_begin(self, epoch, logs=None):\n        import shared\n"
        "        print('rate', shared.LEARNING_RATE)\n\n    def on_epoch_end",
    )
    write_files(tmp_path, net=late, shared=SHARED.replace("0.01", "0.0000001"))
    reference = find_model(queue, own.id)[1].model_dump()
    model = {"type": "net.py:build", "units": 8}
    record = submit(tmp_path, **job(model=model, init_from=reference, epochs=1))
    # Then it is as good as that one, and what runs is the next version, to its last import
    assert own.metrics is not None
    assert record.metrics is not None
    before = own.metrics["val_accuracy"]
    assert record.metrics["val_accuracy"] == pytest.approx(before, abs=0.01)
    log = log_of(queue, record)
    assert "epoch 0 version 3" in log
    assert "rate 1e-07" in log


def test_a_trained_file_is_trained_on(
    queue: Queue, submit: Run, tmp_path: Path, trained: JobRecord
) -> None:
    # Given the file of a trained model, which was compiled
    (tmp_path / "base.keras").write_bytes(queue.artifacts.folder(trained).read(AttemptFolder.model))
    # When it is trained on, with a small step
    changes = {"optimizer": {"name": "sgd", "learning_rate": 1e-6}, "epochs": 1}
    record = submit(tmp_path, **job(model="base.keras", **changes))
    # Then it begins where the other ended, and has its loss and metrics
    assert record.metrics is not None
    assert record.metrics["val_accuracy"] > 0.6
    assert record.queue.split(".")[2] == "any"


def test_what_fails_in_training_is_told_by_the_users_line(
    queue: Queue, submit: Run, tmp_path: Path
) -> None:
    source = NET.replace('print("epoch", epoch, "version", VERSION)', 'raise OSError("no room")')
    write_files(tmp_path, net=source, shared=SHARED)
    record = submit(tmp_path, "failed", **job(model="net.py:build", epochs=1))
    assert record.reason is not None
    assert record.reason.kind == "bad-job"
    assert record.reason.message.endswith("in on_epoch_end: OSError: no room")
    assert "fitq_worker" not in log_of(queue, record)


OWN_WAY = """
import keras

@keras.saving.register_keras_serializable("way")
class Way(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.flat = keras.layers.Flatten()
        self.label = keras.layers.Dense(10, activation="softmax")
        self.mine = keras.metrics.Mean(name="mine")

    def call(self, image):
        return self.label(self.flat(image))

    def test_step(self, data):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        self.mine.update_state(keras.ops.max(self(x, training=False), axis=-1))
        return {"mine": self.mine.result(), **super().test_step(data)}

    def compute_loss(self, *arguments, **options):
        return 100 + super().compute_loss(*arguments, **options)

def build():
    model = Way()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""


@pytest.mark.parametrize("steps", [{"image": ["rescale"]}, {}], ids=["prepared", "as they are"])
def test_it_is_measured_by_its_own_way(
    queue: Queue, submit: Run, fill: Any, finish: Run, tmp_path: Path, steps: Any
) -> None:
    # Given a model that measures in its own way, behind preprocessing
    write_files(tmp_path, net=OWN_WAY)
    values = {"preprocessing": steps, "validation_split": 0.25, "rows": 2000, "epochs": 1}
    record = submit(tmp_path, **job(model="net.py:build", **values))
    # When it is measured on the rows on which it was validated
    model = find_model(queue, record.id)[1]
    measured = finish(fill(kind="evaluate", model=model, dataset="mnist", split="validation"))
    # Then all numbers are as the training had them
    assert record.metrics is not None
    assert measured.metrics is not None
    assert measured.metrics.keys() >= {"mine", "loss", "accuracy"}
    for name in ("mine", "loss", "accuracy"):
        assert measured.metrics[name] == pytest.approx(record.metrics[f"val_{name}"], rel=1e-4)
    assert measured.metrics["loss"] > 100
    # And what it predicts are the classes that it has learnt
    rows = {"type": "dataset", "dataset": "mnist", "split": "train"}
    predicted = finish(fill(kind="predict", model=model, rows=rows, batch_size=5000))
    assert predicted.metrics is not None
    assert "accuracy" in predicted.metrics
