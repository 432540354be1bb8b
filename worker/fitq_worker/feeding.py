"""From examples to what `fit` takes: which field goes into which input and output.

A single field goes to a single port whatever their names; several go by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from fitq_shared.errors import BadJob
from fitq_worker.ports import Form, Port, Side, same_shape, shown_field

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fitq_worker.examples import Arrays, Examples, Field
    from fitq_worker.targets import Target

    Weigh = Callable[["NDArray[np.int64]", Arrays], NDArray[np.float32]]

# What is read at once and kept, rather than read batch by batch.
LARGEST_HELD = 4 * 2**30


@dataclass(frozen=True)
class Feed:
    """How rows of examples become what a model takes and learns.

    Attributes:
        inputs: the model's inputs; None for a model that takes fields by their names.
        sources: the fields that go into each input, by the input's name; several are put side by
            side, as one vector.
        outputs: the model's outputs; None where nothing is learnt from targets.
        targets: what each output learns, by the output's name.
    """

    inputs: Side
    sources: Mapping[str, tuple[str, ...]]
    outputs: Side | None = None
    targets: Mapping[str, Target] = dataclass_field(default_factory=dict)

    def x(self, inputs: Arrays) -> Any:
        """Arrays by field as the model takes them, of shape (n, ...) each."""
        return self.inputs.pack({name: _joined(inputs, of) for name, of in self.sources.items()})

    def y(self, targets: Arrays) -> Any:
        """Arrays by field as the model's losses take them; None where nothing is learnt."""
        if self.outputs is None:
            return None
        made = {name: one.encode(targets[one.name]) for name, one in self.targets.items()}
        packed = self.outputs.pack(made)
        # TensorFlow takes a list of arrays for one array.
        return tuple(packed) if isinstance(packed, list) else packed


@dataclass(frozen=True)
class Fed:
    """Some rows of examples, as `fit` takes them: x, (x, y) or (x, y, weights).

    Attributes:
        rows: their numbers in the examples: int64 of shape (n,).
        weigh: gives each row's weight, float32 of shape (n,), by its number and its targets.
        held: whether the rows are the same each time, and may be held in memory.
    """

    feed: Feed
    examples: Examples
    rows: NDArray[np.int64]
    weigh: Weigh | None = None
    held: bool = True

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, places: NDArray[np.int64] | slice) -> tuple[Any, ...]:
        """The rows at these places among the rows, counted from 0."""
        rows = self.rows[places]
        inputs, targets = self.examples.read(rows)
        x, y = self.feed.x(inputs), self.feed.y(targets)
        if self.weigh is not None:
            return (x, y, self.weigh(rows, targets))
        return (x,) if y is None else (x, y)

    def whole(self) -> tuple[Any, ...] | None:
        """All rows at once, if they are few enough to be held in memory."""
        if not self.held or self._bytes() > LARGEST_HELD:
            return None
        return self.read(slice(None))

    def _bytes(self) -> int:
        fields = [*self.examples.inputs.values(), *self.examples.targets.values()]
        return len(self.rows) * sum(_bytes_of(field) for field in fields)


def match_inputs(side: Side | None, fields: Mapping[str, Field]) -> Feed:
    """Which fields go into which inputs.

    Args:
        side: the model's inputs; None for one that does not know them: it takes all fields, a
            single one as it is, several as a dict.

    Raises:
        BadJob: they do not fit: names the layer, the fields, and both shapes.
    """
    if not fields:
        raise BadJob("the data set has no inputs", "name some with --inputs")
    if side is None:
        ports = tuple(Port(name, one.shape, one.layer_dtype) for name, one in fields.items())
        form: Form = "one" if len(ports) == 1 else "dict"
        return Feed(Side(ports, form), {port.name: (port.name,) for port in ports})
    sources = _sources(side, fields)
    for port in side.ports:
        _check_input(port, sources[port.name], fields)
    return Feed(side, sources)


def match_names(
    side: Side, names: Sequence[str], what: tuple[str, str], flag: str
) -> dict[str, str]:
    """Which of the names belongs to which port: single to single, several by name.

    Args:
        what: how the ports and the names are called, for messages.

    Raises:
        BadJob: names both lists.
    """
    if len(side.ports) == 1:
        port = side.ports[0].name
        if len(names) == 1:
            return {port: names[0]}
        if port in names:
            return {port: port}
    elif all(name in names for name in side.names):
        return {name: name for name in side.names}
    raise BadJob(
        f"the model's {what[0]} are {', '.join(side.names)}, "
        f"but the data set's {what[1]} are {', '.join(names) or 'none'}",
        f"give the layers the names of the fields, or choose fields with {flag}",
    )


def _sources(side: Side, fields: Mapping[str, Field]) -> dict[str, tuple[str, ...]]:
    port = side.ports[0]
    single = len(side.ports) == 1 and port.name not in fields and len(fields) > 1
    # A vector may be made of as many numbers, and of lines of them.
    width = sum(prod(one.shape) for one in fields.values())
    if single and port.shape == (width,) and all(map(_is_line, fields.values())):
        return {port.name: tuple(fields)}
    found = match_names(side, list(fields), ("inputs", "inputs"), "--inputs")
    return {name: (of,) for name, of in found.items()}


def _check_input(port: Port, names: tuple[str, ...], fields: Mapping[str, Field]) -> None:
    if len(names) > 1:
        return
    one = fields[names[0]]
    if not same_shape(port.shape, one.shape):
        raise BadJob(
            f"the input layer {port.name!r} takes {port.shown}, "
            f"but {names[0]!r} has {shown_field(one)}",
            "give the layer the shape of the data, or choose other fields with --inputs",
        )
    if (port.dtype == "string") != (one.dtype == "str"):
        raise BadJob(
            f"the input layer {port.name!r} takes {port.dtype}, but {names[0]!r} is "
            f"{'text' if one.dtype == 'str' else one.dtype}",
            "declare how text becomes numbers, or give the layer dtype='string'",
        )


def _is_line(one: Field) -> bool:
    return one.dtype != "str" and len(one.shape) <= 1


def _joined(inputs: Arrays, names: tuple[str, ...]) -> NDArray[Any]:
    if len(names) > 1:
        lines = [inputs[name].reshape(len(inputs[name]), -1) for name in names]
        return np.concatenate(lines, axis=1).astype("float32")
    found = inputs[names[0]]
    # As `fit` does with the arrays that it is given.
    return found.astype("float32") if found.dtype == np.float64 else found


def _bytes_of(one: Field) -> int:
    if None in one.shape:
        return LARGEST_HELD
    size = 64 if one.dtype == "str" else np.dtype(one.dtype).itemsize
    return size * int(np.prod(one.shape, dtype=np.int64))
