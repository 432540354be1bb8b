"""What is done with the raw inputs of a job before its model takes them, learnt and ready."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fitq_shared.errors import BadJob, InvalidInput
from fitq_shared.keras_classes import is_keras
from fitq_shared.specs.preprocessing import kind_mistakes, steps_of
from fitq_worker import backend
from fitq_worker.examples import MOST_ROWS, Arrays, Examples, Field, in_parts
from fitq_worker.preprocessing.chain import Chain, raw_input
from fitq_worker.preprocessing.images import AugmentMaker
from fitq_worker.preprocessing.kinds import DEFAULTS, kind_of


class Preparation:
    """The steps of all inputs that have any.

    While a model is trained, `apply` prepares each batch on the host: so a training step of the
    user's own sees what its model takes, texts never reach a GPU, and what augmentation draws
    depends on the seed and the batch alone. `wrap` then puts the same steps in front of the model.

    Attributes:
        raw: the inputs as the data has them.
        fields: the inputs as the model takes them, under the same names.
    """

    def __init__(self, raw: Mapping[str, Field], chains: Mapping[str, Chain], seed: int) -> None:
        self.raw = dict(raw)
        self._chains = dict(chains)
        self._seed = seed
        self.fields = dict(raw)
        self._run: Callable[[Arrays, bool], Arrays] | None = None
        if not self._chains:
            return
        with backend.host():
            sources = {name: raw_input(name, raw[name]) for name in self._chains}
            results = {name: self._chains[name].build(x) for name, x in sources.items()}
            self._run = backend.on_host(keras.Model(sources, results))
        for name, x in results.items():
            dtype = keras.backend.standardize_dtype(x.dtype)
            self.fields[name] = Field(tuple(x.shape[1:]), dtype, kind="array", raw=raw[name].shape)

    @property
    def empty(self) -> bool:
        """Whether no input has any step."""
        return not self._chains

    @property
    def draws(self) -> bool:
        """Whether rows to be trained on come out differently each time."""
        return bool(self._drawing)

    def apply(self, inputs: Arrays, drawn_by: NDArray[np.int64] | None = None) -> Arrays:
        """Some rows as the model takes them.

        Args:
            inputs: raw, each of shape (n, ...).
            drawn_by: the numbers of the rows, if they are to be trained on: augmentation then
                draws by them and the seed alone, so the same batch again comes out the same, in
                another order (that of another epoch) not. None: nothing is drawn.
        """
        chosen = {name: value for name, value in inputs.items() if name in self._chains}
        if self._run is None or not chosen:
            return inputs
        if drawn_by is not None:
            self._set_seeds(drawn_by)
            return {**inputs, **self._run(chosen, True)}
        count = len(next(iter(chosen.values())))
        parts = [
            self._run({name: value[at : at + MOST_ROWS] for name, value in chosen.items()}, False)
            for at in range(0, max(1, count), MOST_ROWS)
        ]
        return {**inputs, **{name: np.concatenate([p[name] for p in parts]) for name in chosen}}

    def wrap(
        self,
        model: keras.Model,
        arrange: Callable[[Arrays], Any] | None = None,
        names: Sequence[str] | None = None,
    ) -> Any:
        """A model from raw inputs to what `model` gives, the steps its first layers.

        It shares all weights with `model`. A plain functional or sequential model is laid out
        layer by layer, so that layers and outputs keep their names; one of a class of its own is
        one layer.

        Args:
            arrange: from prepared inputs by name to what the model is called with; None is for
                models whose inputs have names, and takes them by these.
            names: of the raw inputs; None for those that the model's inputs name.
        """
        if not self._chains:
            return model
        wanted = names if names is not None else [tensor.name for tensor in model.inputs]
        with backend.host():
            sources = {name: self._source(name) for name in wanted}
            built = {name: self._prepared(name, x) for name, x in sources.items()}
            outputs = _outputs(model, (arrange or _by_name(model))(built))
            given = [sources[name] for name in wanted]
            return keras.Model(given if len(given) > 1 else given[0], outputs, name=model.name)

    def _source(self, name: str) -> Any:
        if name not in self.raw:
            raise BadJob(
                f"the model takes an input {name!r}, but the data has none of this name: "
                f"it has {', '.join(map(repr, self.raw))}",
                "name the model's inputs as those of the data",
            )
        return raw_input(name, self.raw[name])

    def _prepared(self, name: str, x: Any) -> Any:
        return self._chains[name].build(x) if name in self._chains else x

    @property
    def _drawing(self) -> list[Any]:
        """The layers that draw."""
        return [
            layer
            for chain in self._chains.values()
            for maker in chain.makers
            if isinstance(maker, AugmentMaker)
            for layer in maker.layers
        ]

    def _set_seeds(self, rows: NDArray[np.int64]) -> None:
        """Let all that draws begin anew, at a place of these rows' own."""
        key = zlib.crc32(np.ascontiguousarray(rows, np.int64).data)
        for number, layer in enumerate(self._drawing):
            seed = np.random.SeedSequence([self._seed, key, number])
            layer.generator.state.assign(seed.generate_state(2, np.uint32))


def prepare(
    table: Mapping[str, tuple[Any, ...]],
    examples: Examples,
    rows: NDArray[np.int64],
    seed: int,
    *,
    defaults: bool = False,
) -> Preparation:
    """Learn the steps of a job from its training rows, which are read once or twice in order.

    Args:
        table: the job's `preprocessing`.
        rows: the numbers of the training rows: int64 of shape (n,). No others are looked at.
        seed: of what augmentation draws.
        defaults: whether inputs without declared steps get what a model needs that takes only
            numbers.

    Raises:
        BadJob: steps that do not fit the inputs, all of them; or nothing to learn from.
    """
    fields = examples.inputs
    kinds = {name: kind_of(field) for name, field in fields.items()}
    if mistakes := kind_mistakes(table, kinds):
        raise BadJob(InvalidInput(mistakes).message, "see `fitq datasets describe`")
    chains = {}
    with backend.host():
        for name, kind in kinds.items():
            steps = steps_of(table, name, kind)
            if steps is None:
                steps = DEFAULTS.get(kind, ()) if defaults else ()
            if steps:
                _check_name(name)
                chains[name] = Chain(name, fields[name], kind, steps)
        _learn(chains, examples, np.sort(rows))
    return Preparation(fields, chains, seed)


def _check_name(name: str) -> None:
    if "/" in name:
        raise BadJob(
            f"the input {name!r} has a '/' in its name, which no layer of Keras can have",
            "rename the column",
        )


def _learn(chains: Mapping[str, Chain], examples: Examples, rows: NDArray[np.int64]) -> None:
    """Let each step learn in turn: one reading of the rows for all that need no other first."""
    waiting = {
        name: [at for at, maker in enumerate(chain.makers) if maker.learns]
        for name, chain in chains.items()
    }
    while any(waiting.values()):
        now = {name: places.pop(0) for name, places in waiting.items() if places}
        before = {name: _before(chains[name], at) for name, at in now.items()}
        for inputs, _ in in_parts(examples, rows, [*now]):
            for name, at in now.items():
                chains[name].makers[at].observe(before[name](inputs[name]))
        for name, at in now.items():
            chains[name].makers[at].finish()


def _before(chain: Chain, at: int) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """From raw values to what the steps before this one make of them."""
    if at == 0:
        return chain.prepared
    source = raw_input(chain.name, chain.field)
    run = backend.on_host(keras.Model({chain.name: source}, {chain.name: chain.build(source, at)}))
    return lambda values: run({chain.name: values}, False)[chain.name]


def is_plain(model: keras.Model) -> bool:
    """Whether a model is Keras's own layout of layers, and of no user's class."""
    return is_keras(type(model))


def _outputs(model: keras.Model, inputs: Any) -> Any:
    """What a model makes of symbolic inputs, layer by layer if it is nothing but layers."""
    if not is_plain(model):
        return model(inputs)
    graph = model._functional if isinstance(model, keras.Sequential) else model
    given = [
        _fitted(x, port) for x, port in zip(_in_order(graph, inputs), graph.inputs, strict=True)
    ]
    return graph._run_through_graph(given, operation_fn=lambda operation: operation)


def _in_order(graph: Any, inputs: Any) -> list[Any]:
    """Symbolic inputs in the order of the graph's; by name if it takes a list of them."""
    if isinstance(inputs, Mapping) and not isinstance(graph._inputs_struct, Mapping):
        return [inputs[port.name] for port in graph.inputs]
    return list(keras.tree.flatten(inputs))


def _fitted(x: Any, port: Any) -> Any:
    """With a last axis of 1 or without it, as the port has it: Keras does so with arrays only."""
    added = len(x.shape) == len(port.shape) - 1 and port.shape[-1] == 1
    dropped = len(x.shape) == len(port.shape) + 1 and x.shape[-1] == 1
    if not added and not dropped:
        return x
    shape = (*x.shape[1:], 1) if added else x.shape[1:-1]
    return keras.layers.Reshape([-1 if size is None else size for size in shape])(x)


def _by_name(model: keras.Model) -> Callable[[Arrays], Any]:
    """What a functional or sequential model is called with."""
    names = keras.tree.map_structure(lambda tensor: tensor.name, model.input)
    return lambda inputs: keras.tree.map_structure(lambda name: inputs[name], names)
