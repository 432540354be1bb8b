"""What a published model takes and gives, as its artifacts say it: `interface.json`.

    {"inputs": [{"name": "image", "shape": [28, 28], "dtype": "uint8", "kind": "array",
                 "classes": null, "columns": ["image"]}],
     "outputs": [{"name": "probabilities", "shape": [10], "dtype": "float32", "kind": "class",
                  "classes": ["0", "1", ...], "target": "label", "form": "index"}],
     "behind_steps": false}

`shape` is that of one row, null where a size is not fixed. `columns` are the fields that go into
an input, `target` the field that an output has learnt, if any, and `form` how its loss takes it.
`behind_steps` says that a model of a user's class is one layer of it, behind its preprocessing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from fitq_worker.examples import Field

if TYPE_CHECKING:
    from fitq_worker.feeding import Feed
    from fitq_worker.ports import Side
    from fitq_worker.targets import Target, TargetForm

Kind = Literal["class", "number", "array", "text"]
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Input:
    """One input of a model.

    Attributes:
        name: as the model calls it.
        shape: of one row, as the data has it.
        dtype: of the data: NumPy's name, or "str".
        kind: what a row is.
        classes: the names of the classes, if its values are their numbers.
        columns: the fields of the data that go into it.
    """

    name: str
    shape: Shape
    dtype: str
    kind: Kind
    classes: tuple[str, ...] | None
    columns: tuple[str, ...]

    @property
    def is_image(self) -> bool:
        """Whether a row is a picture of pixels: (height, width), perhaps with channels."""
        sizes = len(self.shape) == 2 or (len(self.shape) == 3 and self.shape[2] in (1, 3, 4))
        return self.dtype == "uint8" and sizes


@dataclass(frozen=True)
class Output:
    """One output of a model.

    Attributes:
        name: as the model calls it.
        shape: of one row.
        dtype: NumPy's name.
        kind: what a row says: the probabilities of classes, one number, or an array.
        classes: the names of the classes; None for other kinds.
        target: the field that it has learnt; None if it has learnt none.
        form: how its loss takes that field (see targets.py).
    """

    name: str
    shape: Shape
    dtype: str
    kind: Kind
    classes: tuple[str, ...] | None
    target: str | None
    form: TargetForm | None


@dataclass(frozen=True)
class Interface:
    """Inputs and outputs of a model, in the model's order.

    Attributes:
        behind_steps: whether it is a user's model in one layer, behind its preprocessing: its
            graph alone does not tell that from layers of which the last is a user's.
    """

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    behind_steps: bool = False

    def to_json(self) -> dict[str, Any]:
        """As it is kept in the artifacts."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Interface:
        """As it was kept."""
        return cls(
            tuple(Input(**_tuples(one)) for one in values["inputs"]),
            tuple(Output(**_tuples(one)) for one in values["outputs"]),
            bool(values.get("behind_steps")),
        )

    @property
    def fields(self) -> tuple[list[str] | None, list[str] | None]:
        """The fields of the data that it takes and has learnt; None: whatever the data offers."""
        inputs = [column for one in self.inputs for column in one.columns]
        targets = [one.target for one in self.outputs if one.target is not None]
        return inputs or None, targets or None

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The classes of the only output, if it tells classes apart."""
        return self.outputs[0].classes if len(self.outputs) == 1 else None


def interface_of(feed: Feed, fields: Mapping[str, Field], outputs: Side | None) -> Interface:
    """What a model takes and gives, known when it was fed.

    Args:
        fields: the examples' inputs.
        outputs: the model's; None if it cannot be asked for them.
    """
    inputs = []
    for port in feed.inputs.ports:
        columns = feed.sources[port.name]
        one = fields[columns[0]] if len(columns) == 1 else Field(port.shape, "float32")  # type: ignore[arg-type]
        inputs.append(
            Input(port.name, tuple(one.shape), one.dtype, _kind(one), one.classes, columns)
        )
    made = [
        interface_output(port.name, port.shape, port.dtype, feed.targets.get(port.name))
        for port in (outputs.ports if outputs else ())
    ]
    return Interface(tuple(inputs), tuple(made))


def interface_output(name: str, shape: Shape, dtype: str, target: Target | None) -> Output:
    """What an output gives, and has learnt, if it has learnt a target."""
    if target is None:
        return Output(name, shape, dtype, _kind_of_shape(shape), None, None, None)
    classes = target.field.classes if len(shape) == 1 else None
    kind: Kind = "class" if classes else _kind_of_shape(shape)
    return Output(name, shape, dtype, kind, classes, target.name, target.form)


def _kind(one: Field) -> Kind:
    if one.dtype == "str":
        return "text"
    return "class" if one.classes and not one.shape else _kind_of_shape(one.shape)


def _kind_of_shape(shape: Shape) -> Kind:
    return "number" if shape in ((), (1,)) else "array"


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
