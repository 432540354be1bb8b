"""From what Keras raises when shapes do not fit to the layer where that is, and both shapes."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import keras

from fitq_shared.errors import BadJob
from fitq_shared.texts import printable
from fitq_worker import backend

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_WORDS = 300
_CALLS = ("__call__", "call", "build")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
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
    is_model: bool = False


@contextlib.contextmanager
def naming_the_layer(model: keras.Model, rows: Mapping[str, NDArray[Any]]) -> Iterator[None]:
    """Let what does not fit in the block be said in words.

    Args:
        rows: what the model is given, by name, each of shape (n, ...).

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
        raise misfit(error, model, rows) from error
    finally:
        if filtered:
            keras.config.enable_traceback_filtering()


def misfit(error: BaseException, model: keras.Model, rows: Mapping[str, NDArray[Any]]) -> BadJob:
    """What does not fit, in words."""
    fault = layer_at_fault(error)
    hint = "change the model's input or that layer, or reshape the data"
    given = ", ".join(f"{name} of shape {shown_shape(x.shape[1:])}" for name, x in rows.items())
    takes = ", ".join(
        f"{_input_name(one.name)} of shape {shown_shape(tuple(one.shape)[1:])}"
        for one in inputs_of(model)
    )
    data = f"each row of the data has {given}"
    if takes and (fault is None or fault.is_model):
        first = model.layers[0]
        return BadJob(
            f"the model begins with the layer {first.name!r} ({type(first).__name__}) and takes "
            f"{takes}; {data}",
            hint,
        )
    where = f"the layer {fault.layer}" if fault else "the model"
    what = (fault and fault.shapes) or "what comes in"
    return BadJob(f"{where} cannot take {what}: {words_of(error)}; {data}", hint)


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
                found = Fault(name, shapes or known, not inner)
        trace = trace.tb_next
    return found


def inputs_of(model: keras.Model) -> list[keras.KerasTensor]:
    """The inputs of a model that knows them before it is called; none of one that does not."""
    try:
        return list(model.inputs or [])
    except (AttributeError, ValueError):
        return []


def _input_name(name: str) -> str:
    # Keras's number for an input that nobody has named says nothing to anybody.
    return "an input" if name.startswith("keras_tensor") else name


def shown_shape(shape: tuple[int | None, ...]) -> str:
    """For example: (28, 28, 1), and () for a number."""
    return f"({', '.join('any' if size is None else str(size) for size in shape)})"


def words_of(error: BaseException) -> str:
    """The sentence of Keras that says what is wrong, without its frame of explanations."""
    paragraphs = [part.strip() for part in _COLOUR.sub("", str(error)).split("\n\n")]
    said = [part for part in paragraphs if part and not part.startswith(_FRAMES)]
    text = " ".join((said or paragraphs or [""])[0].split())
    return printable(text or type(error).__name__, LONGEST_WORDS)


_FRAMES = ("Exception encountered when calling", "Arguments received by")


def _shapes(values: Mapping[str, Any]) -> str:
    """The shapes of the arguments of a call, as far as they are arrays."""
    arguments = values.get("args") or [
        value for name, value in values.items() if name not in ("self", "kwargs")
    ]
    tensors = [one for one in _flat(arguments) if hasattr(one, "shape") and hasattr(one, "dtype")]
    return " and ".join(shown_shape(tuple(one.shape)) for one in tensors[:4])


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for one in value:
            yield from _flat(one)
    elif isinstance(value, dict):
        yield from _flat(list(value.values()))
    else:
        yield value
