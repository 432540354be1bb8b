"""Models that no job has trained: a `.keras` file that a prediction brings along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitq_shared.errors import BadJob
from fitq_worker.input_files import read_input
from fitq_worker.interface import Input, Interface, interface_output
from fitq_worker.keras_files import load_keras
from fitq_worker.ports import inputs_of, outputs_of
from fitq_worker.published_model import LoadedModel

if TYPE_CHECKING:
    from fitq_shared.specs.predict import FileModel
    from fitq_shared.store import Store


def load_given(store: Store, given: FileModel) -> LoadedModel:
    """The model of the file, which gives arrays: nobody has said what they mean.

    Raises:
        BadJob: Keras cannot make a model of it, or the model does not know its inputs.
        InvalidInput: it is no model, or holds more than one.
        StoreError: the file in the store is not the one that was submitted.
    """
    content = read_input(store, given.file)
    model = load_keras(content, given.file.file, compiled=False)
    side = inputs_of(model)
    if side is None:
        raise BadJob(
            "the model does not know its inputs", "call it once on some rows before it is given"
        )
    inputs = tuple(
        Input(port.name, port.shape, port.dtype, "array", None, (port.name,)) for port in side.ports
    )
    outputs = outputs_of(model)
    made = tuple(
        interface_output(port.name, port.shape, port.dtype, None)
        for port in (outputs.ports if outputs else ())
    )
    return LoadedModel(model, Interface(inputs, made), None)
