"""Evaluations and predictions of any model, in this process."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import BadJob
from fitq_shared.specs.base import ModelRef
from fitq_shared.specs.evaluate import EvaluateJob
from fitq_shared.specs.predict import PredictJob
from fitq_worker import held_out
from fitq_worker.array_examples import Selected
from fitq_worker.job_context import JobContext
from fitq_worker.jobs import evaluate, predict
from support import own_models
from support.trainings import NO_RECORDS, WORKER, Job, Orders

pytestmark = pytest.mark.usefixtures("quick_trainings")

DATASET = {"name": "own", "version": 1, "manifest": "b" * 64}
PREPARED = {"city": {"type": "vectorize", "output_mode": "multi_hot"}, "size": "normalize"}
Publish = Callable[..., "Published"]


class Published:
    """A training that has ended, whose model is used on the examples that it was trained on."""

    def __init__(self, training: Job, examples: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        training.run()
        folder = training.folder
        folder.write_json(AttemptFolder.spec, json.loads(training.spec.canonical()))
        self.training = training
        self.values = {
            "name": "next",
            "owner": "tester",
            "model": ModelRef(job="job", attempt=1, manifest=folder.seal(), name="brave-otter"),
        }
        monkeypatch.setattr(held_out, "load_examples", lambda *_, **__: examples)

    def run(self, kind: Any, spec: Any) -> AttemptFolder:
        folder = AttemptFolder(self.training.store, "next", 1)
        context = JobContext(
            *(self.training.record, folder, self.training.store),
            *(Orders(at=None), WORKER, NO_RECORDS),
        )
        kind.run(context, spec)
        return folder

    def evaluate(self) -> AttemptFolder:
        spec = EvaluateJob.parse({**self.values, "dataset": DATASET, "split": "train"})
        return self.run(evaluate, spec)

    def predict(self, **changes: Any) -> AttemptFolder:
        rows = {"type": "dataset", "dataset": DATASET, "split": "train"}
        return self.run(predict, PredictJob.parse({**self.values, "rows": rows, **changes}))


@pytest.fixture
def publish(start_own: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> Publish:
    def make(examples: Any, build: Any = None, **changes: Any) -> Published:
        return Published(start_own(examples, build, **changes), examples, monkeypatch)

    return make


def metrics(folder: AttemptFolder) -> dict[str, float]:
    return json.loads(folder.read(AttemptFolder.metrics))


def arrays(folder: AttemptFolder) -> dict[str, Any]:
    with np.load(io.BytesIO(folder.read(AttemptFolder.predictions_npz))) as found:
        return dict(found)


def test_each_output_is_measured_and_drawn(publish: Publish) -> None:
    # Given a model that says a class and a number
    published = publish(own_models.pairs(), own_models.siamese)
    # When it is evaluated
    folder = published.evaluate()
    # Then each output has its metrics and the picture that suits it
    found = metrics(folder)
    assert {"loss", "larger_loss", "gap_loss", "larger_accuracy", "rows"} <= set(found)
    assert {"confusion-larger.json", "confusion-larger.png"} <= set(folder.files())
    assert "scatter.png" not in folder.files()
    assert folder.read("scatter-gap.png").startswith(b"\x89PNG")
    matrix: Any = folder.read_json("confusion-larger.json")
    assert np.sum(matrix["matrix"]) == found["rows"] == own_models.ROWS
    assert np.trace(matrix["matrix"]) / own_models.ROWS == pytest.approx(found["larger_accuracy"])


def test_each_output_is_predicted_by_its_name(publish: Publish) -> None:
    published = publish(own_models.pairs(), own_models.siamese)
    folder = published.predict()
    found = arrays(folder)
    assert found["larger_probabilities"].shape == (own_models.ROWS, 2)
    assert found["gap_values"].shape == found["gap_true"].shape == (own_models.ROWS, 1)
    assert set(metrics(folder)) == {"rows", "larger_accuracy", "gap_mean_absolute_error"}
    # And a table has a column for each
    text = published.predict(output_format="csv").read(AttemptFolder.predictions_csv).decode()
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == own_models.ROWS
    assert {"row", "larger_name", "larger_p_yes", "gap_value", "gap_true"} <= set(rows[0])
    assert float(rows[3]["gap_value"]) == pytest.approx(found["gap_values"][3, 0])
    head: Any = folder.read_json(AttemptFolder.predictions_head)
    assert {"row", "larger name", "gap value"} <= set(head[0])


def test_a_number_is_predicted_as_a_value(publish: Publish) -> None:
    published = publish(own_models.table())
    folder = published.predict()
    found = arrays(folder)
    assert set(found) == {"values", "true"}
    error = np.abs(found["values"] - found["true"]).mean()
    assert metrics(folder)["mean_absolute_error"] == pytest.approx(error)
    assert published.evaluate().exists(AttemptFolder.scatter_plot)


def test_an_autoencoder_gives_pictures(publish: Publish) -> None:
    # Given an autoencoder
    examples = Selected(own_models.pictures(), ("image",), ("image",))
    published = publish(examples, own_models.autoencoder)
    # When it predicts, and is evaluated
    folder = published.predict()
    # Then what it gives has the shape of what it takes, and both are drawn
    assert arrays(folder)["values"].shape == (own_models.ROWS, 8, 8)
    assert folder.exists(AttemptFolder.predictions_plot)
    assert "loss" in metrics(published.evaluate())
    # But it is no table
    with pytest.raises(BadJob, match="no table") as caught:
        published.predict(output_format="csv")
    assert "npz" in caught.value.hint


def test_what_was_not_known_in_training_is_measured_without_a_warning(
    publish: Publish, recwarn: pytest.WarningsRecorder
) -> None:
    # Given a model of which Keras cannot fill the optimizer's variables when it loads it
    publish(own_models.pictures(), model="mlp").evaluate()
    # Then nobody hears of that
    assert not [one for one in recwarn if "optimizer" in str(one.message)]


def test_a_model_is_published_behind_its_preprocessing(publish: Publish) -> None:
    # Given words and numbers of any size, of which a model can only learn when they are prepared
    published = publish(own_models.homes(), preprocessing=PREPARED, epochs=20)
    assert published.training.history()[-1]["val_accuracy"] > 0.7
    # When what was published sees them as they are
    evaluated, predicted = metrics(published.evaluate()), published.predict()
    # Then it gives what was measured
    assert metrics(predicted)["accuracy"] == pytest.approx(evaluated["accuracy"])
    assert evaluated["accuracy"] > 0.7
    # And a column of the data is an input of the model
    said: Any = published.training.folder.read_json(AttemptFolder.interface)
    assert [(one["name"], one["kind"]) for one in said["inputs"]] == [
        ("city", "text"),
        ("size", "number"),
    ]


def test_a_training_may_begin_from_a_published_model(
    publish: Publish, start_own: Callable[..., Job], caplog: pytest.LogCaptureFixture
) -> None:
    # Given a published model, and a training of one that has another last layer
    published = publish(own_models.pictures())
    before = published.training.weights()
    reference = published.values["model"]
    training = start_own(
        own_models.pictures(), init_from=reference, optimizer={"name": "sgd", "learning_rate": 1e-9}
    )
    training.store = published.training.store
    training.attempt = 7
    # When it is trained with hardly any step
    with caplog.at_level("INFO", "fitq.job"):
        training.run()
    # Then it has the weights of that model
    assert "begins from brave-otter: takes 4 of 4 weights" in caplog.text
    for found, expected in zip(training.weights(), before, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)
