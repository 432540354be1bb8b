"""Models that no job has trained: a `.keras` file that a job brings along."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fitq_shared.errors import BadJob
from fitq_worker.compiling import Wishes, feed_of
from fitq_worker.input_files import read_input
from fitq_worker.interface import Input, Interface, interface_of, interface_output
from fitq_worker.keras_files import load_keras
from fitq_worker.ports import inputs_of, outputs_of
from fitq_worker.published_model import LoadedModel

if TYPE_CHECKING:
    import keras

    from fitq_shared.specs.file_model import FileModel
    from fitq_shared.store import Store
    from fitq_worker.examples import Examples
    from fitq_worker.interface import Output
    from fitq_worker.ports import Side


def load_given(store: Store, given: FileModel) -> LoadedModel:
    """The model of the file, which gives arrays: nobody has said what they mean.

    Raises:
        BadJob: Keras cannot make a model of it, or the model does not know its inputs.
        InvalidInput: it is no model, or holds more than one.
        StoreError: the file in the store is not the one that was submitted.
    """
    content = read_input(store, given.file)
    model = load_keras(content, given.file.file, compiled=False)
    side = _inputs(model)
    inputs = tuple(
        Input(port.name, port.shape, port.dtype, "array", None, (port.name,)) for port in side.ports
    )
    outputs = outputs_of(model)
    made = tuple(
        interface_output(port.name, port.shape, port.dtype, None)
        for port in (outputs.ports if outputs else ())
    )
    return LoadedModel(model, Interface(inputs, made), None)


def load_compiled(store: Store, given: FileModel, examples: Examples) -> LoadedModel:
    """The model of the file with its loss, which says how it takes the targets of examples.

    Raises:
        BadJob: it was not compiled, or the examples do not fit; or as `load_given`.
        InvalidInput, StoreError: as `load_given`.
    """
    content = read_input(store, given.file)
    model = load_keras(content, given.file.file)
    _inputs(model)
    if not model.compiled:
        raise BadJob(
            "the model was saved without a loss, so there is nothing to measure it by",
            "compile it before it is given: model.compile(loss=…, metrics=[…])",
        )
    if not examples.targets:
        raise BadJob("the data has no targets to measure the model by", "give y, too")
    feed = feed_of(model, examples, Wishes(None, None, {}))
    interface = interface_of(feed, examples.inputs, outputs_of(model) or feed.outputs)
    outputs = tuple(_telling_all_classes(one) for one in interface.outputs)
    return LoadedModel(model, Interface(interface.inputs, outputs), None)


def _telling_all_classes(output: Output) -> Output:
    """An output that tells more classes apart than there are in the data."""
    width = output.shape[-1] if output.shape else None
    if output.classes is None or width is None or width <= len(output.classes):
        return output
    return replace(output, classes=tuple(map(str, range(width))))


def _inputs(model: keras.Model) -> Side:
    side = inputs_of(model)
    if side is None:
        raise BadJob(
            "the model does not know its inputs", "call it once on some rows before it is given"
        )
    return side
