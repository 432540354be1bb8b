"""Models at hand with classes, functions and callbacks of the user's own, trained by a worker."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from fitq import Client, Job
from fitq_shared.settings import Settings
from support.code import write_files
from support.worker import Worker

keras = pytest.importorskip("keras")

pytestmark = pytest.mark.services

NETS = """
    import keras
    from at_hand_parts.scaling import scale

    class Net(keras.Model):
        def __init__(self, units=4, **options):
            super().__init__(**options)
            self.units = units
            self.hidden = keras.layers.Dense(units, activation="relu")
            self.label = keras.layers.Dense(2, activation="softmax")

        def call(self, x):
            return self.label(self.hidden(scale(x)))

        def train_step(self, data):
            print("a step of its own")
            return super().train_step(data)

    def far(true, predicted):
        return keras.ops.mean(1.0 - keras.ops.max(predicted, axis=-1))

    class Told(keras.callbacks.Callback):
        def __init__(self, word, times=1):
            super().__init__()
            self.word, self.times = word, times

        def on_epoch_end(self, epoch, logs=None):
            print(f"{self.word} {epoch}" * self.times)

    def halved(epoch, rate):
        return rate / 2 if epoch else rate
"""
SCALING = "def scale(x):\n    return 2 * x\n"


@pytest.fixture(scope="module")
def api(session_settings: Settings, shared_worker: Worker) -> Client:
    """A client of the shared worker, which allows code."""
    return Client(session_settings)


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The user's module, imported from a folder of the user's."""
    folder = tmp_path_factory.mktemp("home")
    write_files(folder, **{"at_hand_nets": NETS, "at_hand_parts/scaling": SCALING})
    sys.path.insert(0, str(folder))
    yield importlib.import_module("at_hand_nets")
    sys.path.remove(str(folder))


def points(seed: int = 1, rows: int = 256) -> tuple[Any, Any]:
    x = np.random.default_rng(seed).normal(size=(rows, 2)).astype("float32")
    return x, (x[:, 0] > x[:, 1]).astype("int64")


@pytest.fixture(scope="module")
def fitted(api: Client, nets: ModuleType) -> Job:
    """A job of a class, a metric and callbacks of the user's, none of them registered."""
    model = nets.Net(units=8)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy", nets.far])
    callbacks = [
        nets.Told("epoch no.", times=2),
        keras.callbacks.LearningRateScheduler(nets.halved),
        keras.callbacks.EarlyStopping("val_loss", patience=7, min_delta=0.001),
        keras.callbacks.ReduceLROnPlateau(patience=5, min_lr=1e-9),
    ]
    job = api.fit(model, *points(), epochs=2, validation_split=0.25, seed=1, callbacks=callbacks)
    return job.wait(120)


def test_it_is_trained_by_the_users_own_code(fitted: Job) -> None:
    # Then the step, the metric and the callbacks were the user's
    log = fitted.logs()
    assert "a step of its own" in log
    assert "epoch no. 1epoch no. 1" in log
    assert {"accuracy", "far", "val_far"} <= fitted.metrics.keys()
    first, second = fitted.history["learning_rate"]
    assert second == pytest.approx(first / 2)
    # And early stopping is the job's own, which is resumed with it
    stopping = fitted.record.spec["early_stopping"]
    assert (stopping["patience"], stopping["min_delta"]) == (7, 0.001)
    assert stopping["restore_best_weights"] is False
    # And it went to a worker that allows code
    assert fitted.record.queue.split(".")[2] == "any-code"
    assert fitted.record.summary.startswith("model.keras on ")


def test_the_trained_model_is_loaded_with_the_class_that_is_here(
    api: Client, fitted: Job, nets: ModuleType
) -> None:
    # When the model is loaded, measured and predicts
    model = fitted.model()
    x, y = points(5, 32)
    # Then it is of the user's class, with what its __init__ was given
    assert type(model) is nets.Net
    assert model.units == 8
    np.testing.assert_allclose(fitted.predict(x), model.predict(x, verbose=0), atol=1e-5)
    measured = api.evaluate(fitted, x, y).wait(120).metrics
    expected = model.evaluate(x, y, verbose=0, return_dict=True)
    assert measured["far"] == pytest.approx(expected["far"], abs=1e-5)


SCRIPT = """
    import keras
    import numpy as np
    from fitq import Client
    from at_hand_parts.scaling import scale

    WIDTH = 3

    @keras.saving.register_keras_serializable("script")
    class Wide(keras.Model):
        def __init__(self, units=WIDTH):
            super().__init__()
            self.units = units
            self.label = keras.layers.Dense(units)

        def call(self, x):
            return keras.ops.sum(self.label(scale(x)), axis=-1, keepdims=True)

    def far(true, predicted):
        return keras.ops.mean(keras.ops.abs(true - predicted)) + OFFSET

    OFFSET = 0.5
    model = Wide(units=5)
    model.compile("adam", loss=far)
    x = np.ones((32, 2), "float32")
    job = Client().fit(model, x, x[:, :1], epochs=1, seed=1, name="from-a-script").wait(120)
    print("trained", type(job.model()) is Wide, job.model().units, job.metrics["loss"] > OFFSET)
"""


def test_a_script_sends_what_its_model_needs_and_is_not_run_there(
    api: Client, session_settings: Settings, tmp_path: Path
) -> None:
    # Given a script that defines its model and submits at once
    main = write_files(tmp_path, **{"run-it": SCRIPT, "at_hand_parts/scaling": SCALING})
    environ = {
        **os.environ,
        "FITQ_REDIS_URL": session_settings.redis_url,
        "FITQ_STORE": session_settings.store_url or "",
        "KERAS_BACKEND": "tensorflow",
    }
    # When it is run
    done = subprocess.run(
        [sys.executable, str(main)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    # Then the class is trained and comes back, and the script has run here alone
    assert done.returncode == 0, done.stderr
    assert "trained True 5 True" in done.stdout
    assert len([one for one in api.jobs(limit=None) if one.name == "from-a-script"]) == 1
