"""Examples fed to a published model: by what it was trained on, or by what fits its inputs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from fitq_shared.errors import BadJob
from fitq_shared.texts import shown
from fitq_worker import backend
from fitq_worker.examples import in_parts
from fitq_worker.feeding import Fed, Feed, match_inputs, match_names
from fitq_worker.obeying import Obeying
from fitq_worker.ports import Port, Side, inputs_of, outputs_of
from fitq_worker.targets import UNKNOWN, Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fitq_worker.examples import Examples, Field
    from fitq_worker.interface import Interface, Output
    from fitq_worker.published_model import LoadedModel

log = logging.getLogger("fitq.job")


def feed_published(published: LoadedModel, examples: Examples, *, targets: bool = True) -> Feed:
    """How rows of examples become what a published model takes, and what it is measured by.

    Args:
        targets: whether it is to be measured; else the feed has none.

    Raises:
        BadJob: the examples do not fit: names the layers, the fields and both shapes.
    """
    interface = published.interface
    side = _inputs(interface, published.model)
    fields = _for_columns(interface, examples.inputs)
    feed = match_inputs(side, fields)
    known = {one.name: one.columns for one in interface.inputs}
    if all(set(columns) <= set(fields) for columns in known.values()):
        feed = replace(feed, sources=known)
    if not targets:
        return feed
    return _with_targets(feed, published, examples.targets)


def feeds_targets(published: LoadedModel, examples: Examples) -> bool:
    """Whether the examples say what is true of all that the model has learnt."""
    learnt = [one.target for one in published.interface.outputs if one.target is not None]
    if not learnt or not examples.targets:
        return False
    return len(learnt) == len(examples.targets) == 1 or set(learnt) <= set(examples.targets)


def predicted(
    published: LoadedModel, fed: Fed, batch_size: int, callbacks: list[Any]
) -> dict[str, NDArray[Any]]:
    """What the model says of the rows, by output: arrays of shape (n, ...).

    Raises:
        BadJob: the model cannot be called.
    """
    model = published.model
    options = {"callbacks": callbacks, "verbose": 0}
    whole = fed.whole()
    if whole is None:
        said = model.predict(backend.batches(fed, batch_size), **options)
    else:
        said = model.predict(whole[0], batch_size=batch_size, **options)
    side = _named_outputs(published) or _outputs(published.interface, said)
    return {name: np.asarray(one) for name, one in side.unpack(said).items()}


def read_targets(fed: Fed, obey: Callable[[], None]) -> dict[str, NDArray[Any]]:
    """The targets of all rows, by the outputs that have learnt them.

    Raises:
        BadJob: there are classes that the model does not know.
    """
    names = {target.name for target in fed.feed.targets.values()}
    parts = [part for _, part in in_parts(Obeying(fed.examples, obey), fed.rows, names)]
    return {
        output: target.numbered(np.concatenate([part[target.name] for part in parts]))
        for output, target in fed.feed.targets.items()
    }


def read_truth(
    targets: Mapping[str, Target], examples: Examples, rows: NDArray[Any], obey: Callable[[], None]
) -> dict[str, NDArray[Any]]:
    """What is true of rows, by output, where a row says one thing: shape (n,).

    Classes that the model does not know are -1; the log says how many rows are of such.
    """
    single = {output: target for output, target in targets.items() if not target.field.shape}
    names = {target.name for target in single.values()}
    parts = [part for _, part in in_parts(Obeying(examples, obey), rows, names)]
    found = {}
    for output, target in single.items():
        values = np.concatenate([part[target.name] for part in parts])
        found[output] = target.known(values)
        unknown = (found[output] == UNKNOWN) if target.classes else np.zeros(0, bool)
        if unknown.any():
            classes, count = target.called(values[unknown]), int(unknown.sum())
            log.warning(
                "the model does not know the classes %s of %r: what is true of %s is left out",
                *(shown(classes, 200)[1:-1], target.name),
                "1 row" if count == 1 else f"{count} rows",
            )
    return found


def _inputs(interface: Interface, model: keras.Model) -> Side:
    side = inputs_of(model)
    if side is not None:
        return side
    ports = tuple(
        Port(one.name, one.shape, "string" if one.kind == "text" else one.dtype)
        for one in interface.inputs
    )
    return Side(ports, "one" if len(ports) == 1 else "dict")


def _named_outputs(published: LoadedModel) -> Side | None:
    """The outputs of a model that knows them, by their names in its artifacts.

    A class of the user's that does not keep its name has another one each time that it is loaded.
    """
    side, known = outputs_of(published.model), published.interface.outputs
    if side is None or side.form == "dict" or len(known) != len(side.ports):
        return side
    ports = [replace(port, name=one.name) for port, one in zip(side.ports, known, strict=True)]
    return Side(tuple(ports), side.form)


def _outputs(interface: Interface, said: Any) -> Side:
    ports = tuple(Port(one.name, one.shape, one.dtype) for one in interface.outputs)
    if isinstance(said, Mapping):
        return Side(ports, "dict")
    return Side(ports, "list" if isinstance(said, list | tuple) else "one")


def _for_columns(interface: Interface, fields: Mapping[str, Field]) -> Mapping[str, Field]:
    """Those fields that the model was trained on, if all are there; else all that there are."""
    wanted = [column for one in interface.inputs for column in one.columns]
    if all(column in fields for column in wanted):
        return {column: fields[column] for column in wanted}
    return fields


def _with_targets(feed: Feed, published: LoadedModel, fields: Mapping[str, Field]) -> Feed:
    learnt = [one for one in published.interface.outputs if one.target is not None]
    if not learnt:
        raise BadJob("the model has learnt no target", "there is nothing to measure it by")
    ports = tuple(Port(one.name, one.shape, one.dtype) for one in learnt)
    side = _named_outputs(published) or Side(ports, "one" if len(ports) == 1 else "list")
    wanted = [str(one.target) for one in learnt]
    if all(name in fields for name in wanted):
        names = {one.name: str(one.target) for one in learnt}
    else:
        names = match_names(side, list(fields), ("outputs", "targets"), "--target")
    targets = {one.name: _target(one, names[one.name], fields[names[one.name]]) for one in learnt}
    return replace(feed, outputs=side, targets=targets)


def _target(one: Output, name: str, field: Field) -> Target:
    """The data's field in the form and with the classes that the model has learnt."""
    width = one.shape[-1] if one.shape else None
    known = replace(field, classes=one.classes) if one.classes else field
    return Target(one.name, name, known, one.form or "number", width, field.classes)
