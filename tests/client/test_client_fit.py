"""`from fitq import Client`: a Keras model and arrays at hand, trained by a real worker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitq import AsyncClient, Client, InvalidInput, Job, JobFailed, NotEnded
from fitq_shared.settings import Settings
from support.worker import Worker

keras = pytest.importorskip("keras")

pytestmark = pytest.mark.services

ROWS = 256


@pytest.fixture(scope="module")
def api(session_settings: Settings, shared_worker: Worker) -> Client:
    """A client of the shared worker."""
    return Client(session_settings)


def points(seed: int = 1, rows: int = ROWS) -> tuple[Any, Any]:
    """Points in a plane, and on which side of a line each is."""
    x = np.random.default_rng(seed).normal(size=(rows, 2)).astype("float32")
    return x, (x[:, 0] > x[:, 1]).astype("int64")


def classifier(*, compiled: bool = True) -> Any:
    """Two layers that tell two classes apart, with weights of their own."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    if compiled:
        model.compile(
            keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
    return model


@pytest.fixture(scope="module")
def fitted(api: Client) -> Iterator[tuple[Job, Any]]:
    """A job of `fit`, and the model that was given to it."""
    model = classifier()
    job = api.fit(
        model, *points(), epochs=3, batch_size=32, validation_data=points(2, 64), seed=7, name="fit"
    )
    yield job.wait(120), model


def test_a_model_at_hand_is_trained_as_it_was_compiled(fitted: tuple[Job, Any]) -> None:
    # Given a job of fit, When it has ended
    job, model = fitted
    # Then it has trained on, with the loss, metrics and optimizer that the model had
    assert (job.state, job.kind, job.name) == ("succeeded", "train", "fit")
    assert {"accuracy", "loss", "val_accuracy", "val_loss"} <= job.metrics.keys()
    assert [len(values) for values in job.history.values()] == [3] * len(job.history)
    assert job.history["loss"][-1] < job.history["loss"][0]
    # And the model at hand is as it was, while that of the job has learnt
    x, y = points(5)
    own = model.evaluate(x, y, verbose=0, return_dict=True)
    trained = job.model().evaluate(x, y, verbose=0, return_dict=True)
    assert trained["loss"] < own["loss"]


def test_predict_and_evaluate_give_what_the_model_gives(
    api: Client, fitted: tuple[Job, Any]
) -> None:
    job, _ = fitted
    x, y = points(9, 50)
    local = job.model()
    np.testing.assert_allclose(job.predict(x), local.predict(x, verbose=0), atol=1e-5)
    measured = api.evaluate(job, x, y).wait(120).metrics
    expected = local.evaluate(x, y, verbose=0, return_dict=True)
    assert measured["loss"] == pytest.approx(expected["loss"], abs=1e-5)
    assert measured["accuracy"] == pytest.approx(expected["accuracy"])


def test_a_model_at_hand_predicts_on_a_worker(api: Client) -> None:
    model, (x, _) = classifier(), points(4, 20)
    np.testing.assert_allclose(api.predict(model, x), model.predict(x, verbose=0), atol=1e-5)


def test_texts_are_predicted(api: Client) -> None:
    # Given a model of texts, and an array of them
    words = keras.layers.TextVectorization(vocabulary=["good", "bad"], output_mode="multi_hot")
    model = keras.Sequential([keras.Input((), dtype="string"), words, keras.layers.Dense(2)])
    texts = np.array(["good", "a bad one", "good, not bad"])
    # Then a worker predicts them as Keras does it here
    expected = model.predict(keras.ops.convert_to_tensor(texts), verbose=0)
    np.testing.assert_allclose(api.predict(model, texts), expected, atol=1e-5)


def test_a_model_at_hand_is_measured_on_a_worker_as_it_was_compiled(api: Client) -> None:
    # Given a model that no job has trained
    model, (x, y) = classifier(), points(5, 100)
    # When it is evaluated, Then it is measured as Keras does it here
    expected = model.evaluate(x, y, verbose=0, return_dict=True)
    job = api.evaluate(model, x, y).wait(120)
    assert job.metrics == pytest.approx(expected, abs=1e-5)
    assert asyncio.run(measured_by_task(api, model, x, y)) == pytest.approx(expected, abs=1e-5)
    # And if the rows are of fewer classes than it tells apart
    few = np.zeros(100, np.int64)
    expected = model.evaluate(x, few, verbose=0, return_dict=True)
    assert api.evaluate(model, x, few).wait(120).metrics == pytest.approx(expected, abs=1e-5)
    # And what cannot be measured is refused before anything is sent
    for given, words in (
        ((classifier(compiled=False), x, y), "is not compiled"),
        ((model,), "expected arrays or a data set"),
        ((model, x, y[:10]), "as many in each array"),
    ):
        with pytest.raises(InvalidInput, match=words):
            api.evaluate(*given)


async def measured_by_task(api: Client, *given: Any) -> dict[str, float]:
    """What the asyncio client's evaluation says."""
    job = await AsyncClient(api.queue.settings).evaluate(*given)
    return await (await job.wait(120)).metrics()


def test_several_outputs_of_a_model_at_hand_are_measured(api: Client) -> None:
    # Given a model with two inputs, an output that tells two apart and one that is a number
    left, right = keras.Input((2,), name="left"), keras.Input((2,), name="right")
    both = keras.layers.Concatenate()([left, right])
    side = keras.layers.Dense(1, activation="sigmoid", name="side")(both)
    total = keras.layers.Dense(1, name="total")(both)
    model = keras.Model([left, right], [side, total])
    losses = {"side": "binary_crossentropy", "total": "mean_squared_error"}
    model.compile("sgd", losses, metrics={"side": ["accuracy"]})
    (a, sides), (b, _) = points(1), points(2)
    x, y = {"left": a, "right": b}, {"side": sides.astype("float32"), "total": a.sum(1)}
    # When it is evaluated, Then each output is measured by its own loss
    measured = api.evaluate(model, x, y, batch_size=ROWS).wait(120).metrics
    expected = model.evaluate(x, y, batch_size=ROWS, verbose=0, return_dict=True)
    assert measured == pytest.approx(expected, abs=1e-5)


def test_a_job_says_what_it_is_and_what_it_made(
    api: Client, fitted: tuple[Job, Any], tmp_path: Path
) -> None:
    job, _ = fitted
    assert repr(job) == f"<Job fit ({job.id}): train, succeeded>"
    assert f"<td style='text-align:left'>{job.id}</td>" in job._repr_html_()
    assert "model.keras" in job.artifacts
    assert (job.pull(tmp_path / "made") / "model.keras").stat().st_size > 0
    assert "attempt 1 on" in job.logs()
    assert job.watch() is job
    assert job.id in [one.id for one in api.jobs(kind="train", limit=None)]
    assert api.job(job.id).name == "fit"


def test_several_inputs_and_outputs_go_by_name(api: Client) -> None:
    # Given a model with two inputs and two outputs, not compiled
    left, right = keras.Input((2,), name="left"), keras.Input((2,), name="right")
    both = keras.layers.Concatenate()([left, right])
    side = keras.layers.Dense(1, activation="sigmoid", name="side")(both)
    total = keras.layers.Dense(1, name="total")(both)
    model = keras.Model([left, right], [side, total])
    (a, side_), (b, _) = points(1), points(2)
    x = {"left": a, "right": b}
    y = {"side": side_.astype("float32"), "total": (a.sum(1) + b.sum(1)).astype("float32")}
    # When it is trained with losses that the call names
    losses = {"side": "binary_crossentropy", "total": "mean_squared_error"}
    job = api.fit(model, x, y, loss=losses, optimizer="sgd", seed=1).wait(120)
    # Then the predictions are those of the trained model, by output
    found = job.predict({"left": a[:5], "right": b[:5]})
    expected = job.model().predict({"left": a[:5], "right": b[:5]}, verbose=0)
    for name, values in zip(("side", "total"), expected, strict=True):
        np.testing.assert_allclose(found[name], values, atol=1e-4)
        assert found[name].shape == values.shape


def test_rows_may_weigh_differently_and_a_target_may_be_the_input(api: Client) -> None:
    x, y = points()
    weighed = api.fit(
        classifier(),
        *(x, y),
        sample_weight=np.linspace(0, 1, len(x)),
        class_weight={0: 1.0, 1: 2.0},
        validation_split=0.25,
        seed=1,
    )
    encoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    encoder.compile("adam", "mean_squared_error")
    same = api.fit(encoder, x, epochs=1, seed=1)
    assert weighed.wait(120).metrics["loss"] > 0
    assert same.wait(120).metrics["loss"] > 0


def test_training_by_names_and_waiting_for_others(api: Client) -> None:
    first = api.train(
        dataset="mnist", model={"type": "mlp", "units": [8]}, rows=500, epochs=1, seed=1
    )
    second = api.fit(classifier(), *points(), after=first, seed=1)
    assert second.record.after == (first.id,)
    assert second.wait(120).state == "succeeded"
    assert first.state == "succeeded"


def test_every_mistake_is_told_and_nothing_is_submitted(api: Client) -> None:
    before = len(api.jobs(limit=None))
    x, y = points()
    with pytest.raises(InvalidInput) as caught:
        api.fit(classifier(), x, y, epochs=0, batch_size=0, optimizer="adm")
    for said in ("epochs", "batch_size", "adm"):
        assert said in caught.value.message
    with pytest.raises(InvalidInput, match="callbacks"):
        api.fit(classifier(), x, y, callbacks=[1])
    with pytest.raises(InvalidInput, match="as many in each array"):
        api.fit(classifier(), x, y[:5])
    with pytest.raises(InvalidInput, match="a Keras model"):
        api.fit("mlp", x, y)
    with pytest.raises(InvalidInput, match="numbers or texts"):
        api.fit(classifier(), np.array([object()] * 3), y[:3])
    with pytest.raises(InvalidInput, match="sample_weight"):
        api.fit(classifier(), x, y, sample_weight=np.ones(3))
    for weight in (np.ones(ROWS - 3), np.ones(ROWS + 3), np.ones((ROWS, 1)), "heavy"):
        with pytest.raises(InvalidInput, match=rf"sample_weight = .*shape \({ROWS},\)"):
            api.fit(classifier(), x, y, sample_weight=weight, validation_data=points(2, 64))
    assert len(api.jobs(limit=None)) == before


def test_a_model_with_classes_of_its_own_is_told_the_other_way(api: Client) -> None:
    @keras.saving.register_keras_serializable("mine")
    class Doubled(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return 2 * x

    model = keras.Sequential([keras.Input((2,)), Doubled(), keras.layers.Dense(2)])
    model.compile("adam", "mean_squared_error")
    with pytest.raises(InvalidInput) as caught:
        api.fit(model, *points())
    assert "Doubled" in caught.value.message
    assert "file.py:function" in caught.value.hint


def test_a_failed_job_raises_its_reason(api: Client) -> None:
    x, y = points()
    x[3, 1] = np.inf
    job = api.fit(classifier(), x, y, seed=1)
    with pytest.raises(JobFailed, match=r"failed: (.|\n)*NaN or infinite: row 3") as caught:
        job.wait(120)
    assert "job.retry()" in caught.value.hint
    with pytest.raises(InvalidInput, match="has published nothing"):
        job.model()
    assert job.retry().state in ("queued", "running", "failed")


def test_waiting_ends_with_its_time(session_settings: Settings) -> None:
    lonely = Client(session_settings)
    job = lonely.train(dataset="mnist", model="mlp", gpus=4, device="gpu")
    with pytest.raises(NotEnded, match=r"not ended within 0\.1 s"):
        job.wait(0.1)
    assert job.cancel() == "cancelled"
    with pytest.raises(JobFailed, match="was cancelled"):
        job.wait(10)
