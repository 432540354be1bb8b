"""Models in the formats of others, and what they predict there."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fitq_shared.errors import BadJob
from fitq_shared.specs.export import ExportFormat
from fitq_shared.texts import printable
from fitq_worker.reporter import StopJob

log = logging.getLogger("fitq.job")

ONNX_FILE = "model.onnx"
ONNX_PACKAGES = ("tf2onnx", "onnx", "onnxruntime")

Arrays = list[NDArray[Any]]


def export(
    model: keras.Model, folder: Path, form: ExportFormat, inputs: Any
) -> Callable[[Any], Arrays]:
    """Write the model into an empty folder; it must have been called before.

    Args:
        inputs: arrays of the form that it takes, where a model of a class of its own, which does
            not say so itself, then takes the same shapes and types, with any number of rows.

    Returns:
        What predicts with what was written: takes inputs as the model does, gives its outputs,
        flat.

    Raises:
        BadJob: the model cannot be exported so, or this worker lacks the packages.
        StopJob: the job was interrupted.
    """
    if form == "onnx":
        _need_onnx()
    write, read = _FORMATS[form]
    try:
        # Keras and TensorFlow print how to use what they write.
        with contextlib.redirect_stdout(io.StringIO()):
            write(model, folder, _signature(model, inputs))
        return read(folder)
    except StopJob:
        raise
    except Exception as error:  # whatever a layer that has no such form makes of it
        log.exception("the export failed")
        raise BadJob(
            f"the model cannot be exported as {form}: {printable(str(error), 300)}",
            "see `fitq logs`; export it in another format, or without the layer named there",
        ) from error


def _need_onnx() -> None:
    missing = [name for name in ONNX_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise BadJob(
            f"this worker cannot export to ONNX: {', '.join(missing)} not installed",
            "install fitq-worker[onnx] there, or export with --format savedmodel",
        )


def _signature(model: keras.Model, inputs: Any) -> list[Any] | None:
    """The form of the inputs where Keras would have to guess it: None where the model says it."""
    if isinstance(model, keras.Sequential) or hasattr(model, "inputs"):
        return None
    forms = keras.tree.map_structure(
        lambda one: keras.InputSpec(
            shape=(None, *one.shape[1:]), dtype="string" if one.dtype == object else str(one.dtype)
        ),
        inputs,
    )
    return [forms]


def _write_saved_model(model: keras.Model, folder: Path, signature: list[Any] | None) -> None:
    model.export(folder, format="tf_saved_model", input_signature=signature, verbose=False)


def _read_saved_model(folder: Path) -> Callable[[Any], Arrays]:
    # Without it `serve` is freed with the object that it belongs to.
    loaded = tf.saved_model.load(str(folder))
    return lambda inputs: _flat(loaded.serve(keras.tree.map_structure(tf.constant, inputs)))


def _write_onnx(model: keras.Model, folder: Path, signature: list[Any] | None) -> None:
    model.export(folder / ONNX_FILE, format="onnx", input_signature=signature, verbose=False)


def _read_onnx(folder: Path) -> Callable[[Any], Arrays]:
    import onnxruntime  # type: ignore[import-untyped]

    session = onnxruntime.InferenceSession(
        str(folder / ONNX_FILE), providers=["CPUExecutionProvider"]
    )
    names = [one.name for one in session.get_inputs()]

    def predict(inputs: Any) -> Arrays:
        given = dict(zip(names, keras.tree.flatten(inputs), strict=True))
        return [np.asarray(output) for output in session.run(None, given)]

    return predict


def _flat(outputs: Any) -> Arrays:
    return [np.asarray(output) for output in keras.tree.flatten(outputs)]


_FORMATS: dict[ExportFormat, tuple[Callable[..., None], Callable[..., Callable[[Any], Arrays]]]] = {
    "savedmodel": (_write_saved_model, _read_saved_model),
    "onnx": (_write_onnx, _read_onnx),
}
