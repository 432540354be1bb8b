"""One link of a chain: what its file says of it, and the files that it predicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fitq.prediction_rows import WHERE, rows_of
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.new_job import new_id

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from fitq.prediction_rows import Inputs
    from fitq.uploads import Upload

# What names a model; the model of a training is one to be made.
_MODELS = ("model", "init_from")


@dataclass
class Link:
    """One link: its values as the file has them, the id of its job, and what it comes after."""

    name: str
    values: dict[str, Any]
    id: str = field(default_factory=new_id)
    after: list[str] = field(default_factory=list)

    @property
    def kind(self) -> Any:
        """What the link says, or else its name."""
        return self.values.get("kind", self.name)

    def names(self) -> Iterator[tuple[str, str]]:
        """The fields that may name other links, and what they name."""
        for one in _MODELS:
            value = self.values.get(one)
            if isinstance(value, str) and not (one == "model" and self.kind == "train"):
                yield one, value
        if self.kind == "promote" and isinstance(self.values.get("evaluation"), str):
            yield "evaluation", self.values["evaluation"]


def rows_of_link(
    folder: Path, given: Any, array: Any, inputs: Inputs | None, until_sent: ExitStack
) -> tuple[dict[str, Any], Upload]:
    """The rows of the files that a link names, and what to upload, as `rows_of` gives them.

    Args:
        folder: what paths are relative to.
        given: one path, or a list of them.
        until_sent: keeps what was packed for the upload.

    Raises:
        InvalidInput: names each file that is not there, or is not what its name says.
    """
    named = [given] if isinstance(given, str) else given
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise InvalidInput([Mistake("input", given, "a path, or a list of paths")])
    if array is not None and not isinstance(array, str):
        raise InvalidInput([Mistake("array", array, "the name of an array")])
    try:
        files = [folder / one for one in named]
        return until_sent.enter_context(rows_of(files, array, inputs))
    except InvalidInput as error:
        if not error.mistakes:
            raise
        fields = {WHERE: "input", "--array": "array"}
        found = [Mistake(fields.get(m.where, m.where), m.given, m.expected) for m in error.mistakes]
        raise InvalidInput(found, error.hint) from None
