"""A model that a job brings along, beside those that jobs have trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Tag

from fitq_shared.specs.base import AnyModel, InputFile, Label, Spec


class FileModel(Spec):
    """A model that no job has trained: a `.keras` file in the store, for this job alone."""

    file: InputFile
    name: Label = "model"
    code: Literal[False] = False


def _is_a_file(value: object) -> str:
    named = isinstance(value, FileModel) or (isinstance(value, Mapping) and "file" in value)
    return "a model file" if named else "a trained model"


ModelOrFile = Annotated[
    Annotated[AnyModel, Tag("a trained model")] | Annotated[FileModel, Tag("a model file")],
    Discriminator(_is_a_file),
]
