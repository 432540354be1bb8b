"""From what Keras raises when shapes do not fit to the layer where that is, and both shapes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import keras

from fitq_shared.errors import BadJob
from fitq_worker import backend
from fitq_worker.model_errors import words
from fitq_worker.ports import shown_field

if TYPE_CHECKING:
    from fitq_worker.examples import Field

_CALLS = ("__call__", "call", "build")
# What Keras and TensorFlow raise for arrays that do not fit.
MISFITS: tuple[type[Exception], ...] = (ValueError, TypeError, IndexError, *backend.OP_ERRORS)


@dataclass(frozen=True)
class Fault:
    """A layer that could not take what came in.

    Attributes:
        layer: its name and class, in words.
        shapes: of what came in, in words; empty when nobody knows.
    """

    layer: str
    shapes: str


@contextlib.contextmanager
def naming_the_layer(fields: Mapping[str, Field]) -> Iterator[None]:
    """Let what does not fit in the block be said in words.

    Args:
        fields: what the model is given, by name.

    Raises:
        BadJob: names the layer at fault, what came into it, and the shapes that the data has.
    """
    filtered = keras.config.is_traceback_filtering_enabled()
    keras.config.disable_traceback_filtering()
    try:
        yield
    except MISFITS as error:
        if backend.memory_is_exhausted(error):
            raise
        raise misfit(error, fields) from error
    finally:
        if filtered:
            keras.config.enable_traceback_filtering()


def misfit(error: BaseException, fields: Mapping[str, Field]) -> BadJob:
    """What does not fit, in words."""
    fault = layer_at_fault(error)
    hint = "change the model's input or that layer, or reshape the data"
    data = "the data has " + ", ".join(f"{n!r} {shown_field(one)}" for n, one in fields.items())
    where = f"the layer {fault.layer}" if fault else "the model"
    what = (fault and fault.shapes) or "what comes in"
    return BadJob(f"{where} cannot take {what}: {words(error)}; {data}", hint)


def layer_at_fault(error: BaseException) -> Fault | None:
    """The innermost layer that was called when this was raised; no model, if there is a layer."""
    found: Fault | None = None
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        values = trace.tb_frame.f_locals
        layer = values.get("self")
        if isinstance(layer, keras.Layer) and trace.tb_frame.f_code.co_name in _CALLS:
            inner = not isinstance(layer, keras.Model)
            if inner or found is None:
                shapes = _shapes(values)
                name = f"{layer.name!r} ({type(layer).__name__})"
                known = found.shapes if found and found.layer == name else ""
                found = Fault(name, shapes or known)
        trace = trace.tb_next
    return found


def _shapes(values: Mapping[str, Any]) -> str:
    """The shapes of the arguments of a call, as far as they are arrays."""
    arguments = values.get("args") or [
        value for name, value in values.items() if name not in ("self", "kwargs")
    ]
    tensors = [one for one in _flat(arguments) if hasattr(one, "shape") and hasattr(one, "dtype")]
    return " and ".join(str(tuple(one.shape)) for one in tensors[:4])


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for one in value:
            yield from _flat(one)
    elif isinstance(value, dict):
        yield from _flat(list(value.values()))
    else:
        yield value
