"""What goes into a model and what comes out of it, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import keras

if TYPE_CHECKING:
    from fitq_worker.examples import Field

Form = Literal["one", "list", "dict"]


@dataclass(frozen=True)
class Port:
    """One input or output of a model.

    Attributes:
        name: of the input layer, or of the layer that gives the output; or its key in a dict.
        shape: of one row; None where a size is not fixed.
        dtype: as Keras calls it; "string" for text.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    @property
    def shown(self) -> str:
        """The shape with its rows, as people write it: (n, 28, 28)."""
        return shown_shape(self.shape)


@dataclass(frozen=True)
class Side:
    """All inputs or all outputs of a model, and in which structure it takes or gives them."""

    ports: tuple[Port, ...]
    form: Form

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, in the model's order."""
        return tuple(port.name for port in self.ports)

    def pack(self, values: Mapping[str, Any]) -> Any:
        """Values by name in the model's structure."""
        if self.form == "one":
            return values[self.ports[0].name]
        if self.form == "list":
            return [values[name] for name in self.names]
        return {name: values[name] for name in self.names}

    def unpack(self, given: Any) -> dict[str, Any]:
        """What the model gave, by name."""
        if self.form == "one":
            return {self.ports[0].name: given}
        if self.form == "list":
            return dict(zip(self.names, given, strict=True))
        return {name: given[name] for name in self.names}


def shown_shape(shape: Sequence[int | None]) -> str:
    """A row's shape with its rows: (n, 28, 28); "?" where a size is not fixed."""
    sizes = ["?" if size is None else str(size) for size in shape]
    return f"(n, {', '.join(sizes)})" if sizes else "(n,)"


def shown_field(field: Field) -> str:
    """A field's shape with its rows, and that before its preprocessing if there is any."""
    shown = shown_shape(field.shape)
    if field.raw is None:
        return shown
    return f"{shown} after its preprocessing, {shown_shape(field.raw)} before"


def same_shape(port: Sequence[int | None], field: Sequence[int]) -> bool:
    """Whether a row of a field has the shape of a port; Keras adds or drops a last axis of 1."""
    one, other = list(port), list(field)
    if len(one) == len(other) + 1 and one[-1] in (1, None):
        one = one[:-1]
    elif len(other) == len(one) + 1 and other[-1] == 1:
        other = other[:-1]
    return len(one) == len(other) and all(a in (None, b) for a, b in zip(one, other, strict=True))


def inputs_of(model: keras.Model) -> Side | None:
    """The inputs of a model that knows them: sequential and functional ones do."""
    graph = _graph(model)
    if graph is None:
        return None
    side = _side(graph._inputs_struct, [tensor.name for tensor in graph.inputs])
    # A list of inputs may be given by name, too; dicts are clearer in `fit`.
    return Side(side.ports, "dict") if side.form == "list" else side


def outputs_of(model: keras.Model) -> Side | None:
    """The outputs of a model that knows them: sequential and functional ones do."""
    graph = _graph(model)
    return None if graph is None else _side(graph._outputs_struct, graph.output_names)


def outputs_like(given: Any) -> Side:
    """The outputs of a model that gave this for some rows: tensors of shape (n, ...)."""
    if isinstance(given, Mapping):
        return Side(tuple(_port(name, value) for name, value in given.items()), "dict")
    if isinstance(given, list | tuple):
        named = [(f"output_{at}", value) for at, value in enumerate(given)]
        return Side(tuple(_port(name, value) for name, value in named), "list")
    return Side((_port("output", given),), "one")


def _graph(model: keras.Model) -> Any:
    """The functional model that this one is, or is made of."""
    if isinstance(model, keras.Sequential):
        return model._functional if model.built else None
    return model if hasattr(model, "_inputs_struct") else None


def _side(struct: Any, names: Sequence[str]) -> Side:
    if isinstance(struct, Mapping):
        return Side(tuple(_port(key, tensor) for key, tensor in struct.items()), "dict")
    flat = keras.tree.flatten(struct)
    ports = tuple(_port(name, tensor) for name, tensor in zip(names, flat, strict=True))
    return Side(ports, "one" if len(ports) == 1 else "list")


def _port(name: str, tensor: Any) -> Port:
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    return Port(str(name), tuple(tensor.shape[1:]), dtype)
