"""Chains: several jobs of one file, of which some come after others, submitted as one."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitq.chain_links import Link, rows_of_link
from fitq.drafts import complete, spoken_name
from fitq.model_interface import inputs_of
from fitq.model_references import find_model, measures_code
from fitq.own_model import complete_with_files
from fitq.prediction_rows import Inputs
from fitq.uploads import Upload
from fitq_shared.errors import FitqError, InvalidInput, Mistake
from fitq_shared.new_job import NewJob
from fitq_shared.specs.base import JobSpec
from fitq_shared.specs.kinds import KINDS
from fitq_shared.specs.mistakes import unknown_choice

if TYPE_CHECKING:
    from fitq.queue import Queue
    from fitq_shared.settings import Settings

MOST_LINKS = 100
_FIELDS = ("name", "tags", "links")


@dataclass(frozen=True)
class Chain:
    """What is to be submitted: the jobs, those before others first, and the files they need.

    `links` are the names of the jobs' links, in the same order.
    """

    name: str
    links: tuple[str, ...]
    jobs: tuple[NewJob, ...]
    uploads: tuple[Upload, ...]


def read_chain(
    values: Mapping[str, Any],
    settings: Settings,
    folder: Path,
    queue: Queue | None,
    until_sent: ExitStack,
) -> Chain:
    """A chain of the values of a file.

    Args:
        folder: what paths in it are relative to.
        queue: where models are looked up that no link makes; None: nothing is looked up.
        until_sent: closed when the uploads are in the store; keeps what was packed for them.

    Raises:
        InvalidInput: names every mistake of every link at once.
    """
    return _Reader(settings, folder, queue, until_sent).read(values)


class _Reader:
    def __init__(
        self, settings: Settings, folder: Path, queue: Queue | None, until_sent: ExitStack
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._queue = queue
        self._until_sent = until_sent
        self._inputs: dict[str, Inputs | None] = {}
        self._chain = ""
        self._wrong: list[str] = []
        self._hints: list[str] = []
        self._links: dict[str, Link] = {}
        self._uploads: list[Upload] = []

    def read(self, values: Mapping[str, Any]) -> Chain:
        self._mistakes(unknown_choice(f, values[f], _FIELDS) for f in values if f not in _FIELDS)
        self._chain = str(values.get("name") or spoken_name())
        self._links = self._read_links(values.get("links"))
        for link in self._links.values():
            link.after = self._after(link)
        ordered = self._in_order()
        specs: dict[str, JobSpec | None] = {}
        for link in ordered:
            specs[link.name] = self._spec(link, values.get("tags"), specs)
        if self._wrong:
            raise InvalidInput("\n".join(self._wrong), "; ".join(dict.fromkeys(self._hints)))
        jobs = [
            NewJob(link.id, spec, tuple(self._links[one].id for one in link.after))
            for link in ordered
            if (spec := specs[link.name])
        ]
        names = tuple(link.name for link in ordered)
        return Chain(self._chain, names, tuple(jobs), tuple(self._uploads))

    def _mistakes(self, found: Iterator[Mistake]) -> None:
        self._wrong += map(str, found)

    def _read_links(self, given: Any) -> dict[str, Link]:
        expected = "tables such as [links.train], one for each job"
        if not isinstance(given, dict) or not given:
            raise InvalidInput([Mistake("links", given, expected)])
        if len(given) > MOST_LINKS:
            raise InvalidInput([Mistake("links", len(given), f"at most {MOST_LINKS} of them")])
        links = {}
        for name, values in given.items():
            if not isinstance(values, dict):
                self._mistakes(iter([Mistake(f"links.{name}", values, expected)]))
                continue
            links[name] = Link(name, dict(values))
        return links

    def _after(self, link: Link) -> list[str]:
        """What the link comes after: what it says, and the links that it names otherwise."""
        given = link.values.pop("after", [])
        named = [given] if isinstance(given, str) else given
        where = f"{link.name}.after"
        if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
            self._mistakes(iter([Mistake(where, given, "the names of links")]))
            named = []
        self._mistakes(
            unknown_choice(where, one, self._links) for one in named if one not in self._links
        )
        found = [*named, *(value for _, value in link.names())]
        return [one for one in dict.fromkeys(found) if one in self._links]

    def _in_order(self) -> list[Link]:
        graph = {link.name: link.after for link in self._links.values()}
        try:
            names = list(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            circle = " → ".join(reversed(error.args[1]))
            self._mistakes(iter([Mistake("links", circle, "links that come after no circle")]))
            names = list(self._links)
        return [self._links[name] for name in names]

    def _spec(self, link: Link, tags: Any, before: Mapping[str, JobSpec | None]) -> JobSpec | None:
        """The spec of a link; None after a mistake, which is kept.

        Args:
            before: those of the links that it comes after.
        """
        if not isinstance(link.kind, str) or link.kind not in KINDS:
            self._mistakes(iter([unknown_choice(f"{link.name}.kind", link.kind, KINDS)]))
            return None
        values = {"tags": tags, **link.values, "kind": link.kind, "name": self._job_name(link)}
        for where, name in link.names():
            values[where] = self._named(link, where, name)
        try:
            if link.kind == "train":
                spec, uploads = complete_with_files(values, self._settings, self._folder)
                self._uploads += uploads
                return spec
            self._add_data(link, values)
            if link.kind == "promote":
                evaluation = before.get(str(link.values.get("evaluation")))
                values.setdefault("code", self._measures_code(values, evaluation))
            return complete(values, self._settings)
        except FitqError as error:
            self._keep(link, error)
            return None

    def _named(self, link: Link, where: str, name: str) -> Any:
        """What a spec says for another link, or for a model that is there."""
        other = self._links.get(name)
        wanted = "evaluate" if where == "evaluation" else "train"
        if other is not None and other.kind != wanted:
            expected = f"a link of kind {wanted!r}; that one is of kind {other.kind!r}"
            self._mistakes(iter([Mistake(f"{link.name}.{where}", name, expected)]))
        if where == "evaluation":
            return other.id if other else self._look_up(link, where, name)
        if other is None:
            return self._look_up(link, where, name)
        code = ".py:" in str(other.values.get("model"))
        return {"pending": True, "job": other.id, "name": self._job_name(other), "code": code}

    def _job_name(self, link: Link) -> Any:
        return link.values.get("name", f"{self._chain}-{link.name}")

    def _look_up(self, link: Link, where: str, name: str) -> Any:
        if self._queue is None:
            return name
        try:
            if where == "evaluation":
                return self._queue.job(name).id
            trained, reference = find_model(self._queue, name)
            self._inputs[link.name] = inputs_of(self._queue, trained)
            return reference.model_dump()
        except FitqError as error:
            near = unknown_choice(f"{link.name}.{where}", name, self._links)
            self._wrong.append(f"{near}; and {error.message}")
            return _NOT_FOUND if where != "evaluation" else None

    def _measures_code(self, values: Mapping[str, Any], evaluation: JobSpec | None) -> bool:
        """Whether it takes the user's code to measure the holder of a link's alias."""
        if values.get("evaluation") is None:
            return False
        if evaluation is not None and evaluation.runs_code:
            return True
        if self._queue is None:
            return False
        found = None if evaluation else str(values["evaluation"])
        return measures_code(
            self._queue, f"{values.get('model_name')}@{values.get('alias')}", found
        )

    def _add_data(self, link: Link, values: dict[str, Any]) -> None:
        """The data that a link works on, if it does not say: those of the training before it."""
        before = self._links.get(str(link.values.get("model")))
        default = before.values.get("dataset") if before else None
        if link.kind == "evaluate":
            values.setdefault("dataset", default)
        if link.kind != "predict" or "rows" in values:
            return
        file, array = values.pop("input", None), values.pop("array", None)
        if file is not None:
            inputs = self._inputs.get(link.name)
            rows = rows_of_link(self._folder, file, array, inputs, self._until_sent)
            values["rows"], upload = rows
            self._uploads.append(upload)
            return
        values["rows"] = {
            "type": "dataset",
            "dataset": values.pop("dataset", default),
            "split": values.pop("split", None),
        }

    def _keep(self, link: Link, error: FitqError) -> None:
        found: Sequence[object] = getattr(error, "mistakes", ()) or error.message.splitlines()
        for one in found:
            if isinstance(one, Mistake):
                self._wrong.append(
                    str(Mistake(f"{link.name}.{one.where}", one.given, one.expected))
                )
            else:
                self._wrong.append(f"{link.name}: {one}")
        if error.hint:
            self._hints.append(error.hint)


# Stands for a model that was not found, while the rest of a link is looked at.
_NOT_FOUND = {"job": "0", "attempt": 1, "manifest": "0" * 64, "name": "unknown"}
