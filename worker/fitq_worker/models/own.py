"""Models of users' own: from a JSON configuration, a `.keras` file, or code that builds one.

A builder gives a `keras.Model`, compiled or not, or a pair of one and a dict of what `compile` and
`fit` shall get besides: those of COMPILE_ARGUMENTS and FIT_ARGUMENTS.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras

from fitq_shared.errors import BadJob
from fitq_shared.specs.mistakes import unknown_choice
from fitq_shared.specs.models import CodeModel, JsonModel, KerasModel
from fitq_shared.texts import shown
from fitq_worker.input_files import read_input
from fitq_worker.keras_files import load_json, load_keras

if TYPE_CHECKING:
    from fitq_worker.job_context import JobContext
    from fitq_worker.own_code import OwnCode

log = logging.getLogger("fitq.job")

COMPILE_ARGUMENTS = (
    *("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics"),
    *("run_eagerly", "jit_compile", "auto_scale_loss"),
)
FIT_ARGUMENTS = ("callbacks", "class_weight")


@dataclass(frozen=True)
class OwnModel:
    """A model of a user's own, and what comes with it.

    Attributes:
        model: `model.compiled` says whether it has a loss, an optimizer and metrics of its own.
        compile_arguments: what the builder gave for `compile`, to replace those of the model.
        fit_arguments: what the builder gave for `fit`; `callbacks` is a list.
    """

    model: keras.Model
    compile_arguments: Mapping[str, Any] = field(default_factory=dict)
    fit_arguments: Mapping[str, Any] = field(default_factory=dict)


def make_own(context: JobContext, spec: JsonModel | KerasModel | CodeModel) -> OwnModel:
    """Make the model. Modules of its code stay importable until the job has ended.

    Raises:
        BadJob: the code fails, gives no model, or is not allowed here; or Keras cannot make the
            model of the file.
        InvalidInput: the file is none of a model, or holds more.
        StoreError: a file in the store is not the one that was submitted.
    """
    if isinstance(spec, CodeModel):
        code = context.keep_code(spec)
        return _taken_apart(code.call(*_given(context, spec, code)), code.name)
    content = read_input(context.store, spec.file)
    if isinstance(spec, JsonModel):
        return OwnModel(load_json(content, spec.file.file))
    return OwnModel(load_keras(content, spec.file.file, compiled=spec.compiled))


def _given(context: JobContext, spec: CodeModel, code: OwnCode) -> list[keras.Model]:
    """The model that the builder gets, where the user had one at hand."""
    if spec.file is None:
        return []
    content = read_input(context.store, spec.file)
    code.module()
    with code.running():
        return [load_keras(content, spec.file.file, own_classes=True)]


def _taken_apart(made: object, name: str) -> OwnModel:
    model, arguments = made if isinstance(made, tuple) and len(made) == 2 else (made, {})
    if not isinstance(model, keras.Model):
        what = "nothing" if made is None else f"{_kind(made)}: {shown(made)}"
        raise BadJob(
            f"{name} returned {what}; expected a keras.Model, or a pair of one and a dict",
            "end the function with `return model`",
        )
    if not isinstance(arguments, Mapping):
        raise BadJob(
            f"{name} returned a model and {_kind(arguments)}; expected a dict as the second",
            "return model, {'callbacks': [...]}",
        )
    known = (*COMPILE_ARGUMENTS, *FIT_ARGUMENTS)
    if unknown := [key for key in arguments if key not in known]:
        raise BadJob(str(unknown_choice(f"what {name} returned", unknown[0], known)))
    fit = {key: arguments[key] for key in FIT_ARGUMENTS if arguments.get(key) is not None}
    if "callbacks" in fit:
        fit["callbacks"] = _callbacks(fit["callbacks"], name)
    return OwnModel(
        model, {key: arguments[key] for key in COMPILE_ARGUMENTS if key in arguments}, fit
    )


def _callbacks(given: object, name: str) -> list[keras.callbacks.Callback]:
    found = list(given) if isinstance(given, list | tuple) else [given]
    for one in found:
        if not isinstance(one, keras.callbacks.Callback):
            raise BadJob(
                f"{name} returned {shown(one)} among its callbacks; "
                "expected objects of keras.callbacks.Callback"
            )
    return found


def _kind(value: object) -> str:
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"an object of {module}{kind.__qualname__}"
