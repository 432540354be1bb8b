"""A model as it is published: it takes raw inputs, and prepares them itself."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import keras

from fitq_shared.errors import BadJob
from fitq_worker.compiling import settings_of
from fitq_worker.feeding import Feed, match_inputs
from fitq_worker.interface import Interface, interface_of
from fitq_worker.layer_at_fault import naming_the_layer
from fitq_worker.own_errors import own_errors
from fitq_worker.ports import inputs_of, outputs_of
from fitq_worker.preprocessing.preparation import is_plain

if TYPE_CHECKING:
    from fitq_worker.examples import Arrays
    from fitq_worker.training_data import TrainingData


def with_preprocessing(model: keras.Model, feed: Feed, data: TrainingData) -> keras.Model:
    """The model behind its preprocessing, with the same loss and metrics.

    Raises:
        BadJob: it does not say what it gives, or takes other inputs than the prepared ones.
    """
    if data.preparation.empty:
        return model

    def arrange(inputs: Arrays) -> Any:
        return feed.inputs.pack({name: _joined(inputs, of) for name, of in feed.sources.items()})

    names = dict.fromkeys(name for of in feed.sources.values() for name in of)
    try:
        with own_errors(), naming_the_layer(data.examples.inputs):
            wrapped = data.preparation.wrap(model, arrange, list(names))
    except NotImplementedError as error:
        raise BadJob(
            f"the model {model.name!r} has no call method, so no preprocessing can be put before "
            "it",
            "say in `call` what it gives, or prepare the data before they are added",
        ) from error
    if model.compiled:
        wrapped.compile(**settings_of(model))
    return wrapped


def _joined(inputs: Arrays, names: tuple[str, ...]) -> Any:
    """Symbolic inputs side by side, as `Feed.x` puts arrays."""
    if len(names) == 1:
        return inputs[names[0]]
    lines = [keras.layers.Reshape((prod(inputs[name].shape[1:]),))(inputs[name]) for name in names]
    return keras.layers.Concatenate(dtype="float32")(lines)


def raw_interface(
    model: keras.Model, published: keras.Model, feed: Feed, data: TrainingData
) -> Interface:
    """What a model takes and gives once it is published.

    Args:
        model: what was fitted, and `published` what `with_preprocessing` made of it.
    """
    if published is model:
        return interface_of(feed, data.raw.inputs, outputs_of(published) or feed.outputs)
    raw = match_inputs(inputs_of(published), data.raw.inputs)
    raw_feed = Feed(raw.inputs, raw.sources, feed.outputs, feed.targets)
    # Behind its preprocessing a user's model is one layer, after which Keras calls what it gives.
    own = not is_plain(model)
    outputs = (own and feed.outputs) or outputs_of(published) or feed.outputs
    return replace(interface_of(raw_feed, data.raw.inputs, outputs), behind_steps=own)
