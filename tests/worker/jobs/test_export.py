"""Exports predict the same, and lie in the artifacts as files of their own."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from fitq.model_references import find_model
from fitq.pulling import pull
from fitq_shared.attempt_folder import AttemptFolder
from support.code import user_code, write_files

pytestmark = pytest.mark.services

has_onnx = pytest.mark.skipif(
    importlib.util.find_spec("tf2onnx") is None, reason="fitq-worker[onnx] is not installed"
)


@pytest.fixture
def export(finish, fill, reference):
    def run(form, state="succeeded"):
        return finish(fill(kind="export", model=reference.model_dump(), format=form), state)

    return run


@pytest.mark.parametrize(
    ("form", "file"),
    [("savedmodel", "saved_model.pb"), pytest.param("onnx", "model.onnx", marks=has_onnx)],
)
def test_an_export_predicts_the_same_and_is_pulled(export, queue, tmp_path, form, file):
    # When a model is exported
    record = export(form)
    # Then the report says how close it is, and within what
    report = queue.artifacts.folder(record).read_json(AttemptFolder.export_report)
    assert report["largest_difference"] <= report["atol"] + report["rtol"]
    assert report["inputs"] == [{"shape": [None, 28, 28], "dtype": "uint8"}]
    assert report["outputs"] == [{"shape": [None, 10], "dtype": "float32"}]
    assert file in report["files"]
    # And each file of it is copied as it was published
    copied = pull(
        queue.artifacts.folder(record), record.manifest or "", tmp_path, AttemptFolder.export
    )
    assert sorted(copied) == sorted(report["files"])
    assert (tmp_path / file).stat().st_size == report["files"][file]


@has_onnx
def test_another_library_predicts_with_it(export, queue, tmp_path, reference, mnist):
    import onnxruntime

    # Given an exported model, and the same one in Keras
    record = export("onnx")
    pull(queue.artifacts.folder(record), record.manifest or "", tmp_path, AttemptFolder.export)
    import keras

    model = keras.models.load_model(
        queue.artifacts.folder(queue.job(reference.job)).local(AttemptFolder.model)
    )
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    [entry] = session.get_inputs()
    # When both see the same images
    [found] = session.run(None, {entry.name: mnist["x_test"][:50]})
    # Then they agree
    expected = model.predict(mnist["x_test"][:50], verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


OWN_CLASS = """
    import keras

    @keras.saving.register_keras_serializable("mine")
    class Net(keras.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.flat = keras.layers.Flatten()
            self.scale = keras.layers.Rescaling(1 / 255)
            self.dense = keras.layers.Dense(10, activation="softmax")

        def call(self, images):
            return self.dense(self.flat(self.scale(images)))

    def build():
        return Net()
"""


def test_a_model_of_a_class_of_its_own_is_exported_and_reproduced(
    train, finish, fill, queue, tmp_path
):
    # Given a training of a class that its builder's file defines
    code = user_code(queue.artifacts.store, write_files(tmp_path, net=OWN_CLASS))
    trained = train(model={"type": "code", **code.model_dump()}, rows=2000, batch_size=500)
    model = find_model(queue, trained.id)[1].model_dump()
    # When it is exported, and trained again
    exported = finish(fill(kind="export", model=model, format="savedmodel"))
    again = finish(
        fill(kind="reproduce", model=model, threads=trained.threads, code=True, device="cpu")
    )
    # Then both were run by a worker that allows code, and are the same
    assert exported.needs.code and again.needs.code
    assert exported.metrics["largest_difference"] < 1e-5
    assert again.metrics["identical"] == 1
    report = queue.artifacts.folder(again).read_json(AttemptFolder.reproduction)
    rows = {row["name"]: row for row in report["circumstances"]}
    assert rows["code"]["first"] == code.bundle.sha256
