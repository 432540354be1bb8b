"""The spec of a prediction job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    model_validator,
)

from fitq_shared.errors import Mistake
from fitq_shared.specs.base import InputFile, JobSpec, Spec, dataset_mistakes
from fitq_shared.specs.datasets import AnyDataset, data_named, made_by_code
from fitq_shared.specs.file_model import ModelOrFile
from fitq_shared.specs.splits import PartOrAll, split_by_default
from fitq_shared.specs.train import PositiveInt

Separator = Literal[",", ";", "\t", "|"]


def _stays_inside(value: str) -> str:
    if any(part in ("", ".", "..") for part in value.split("/")):
        raise ValueError("the name of an array, as numpy.savez was given it")
    return value


class DatasetRows(Spec):
    """Predict rows of a data set; their labels are known.

    "validation" are the rows on which the model's training validated, "all" those of each part.
    Without a split they are those of the data set's test part or, where it has none, all.
    """

    type: Literal["dataset"] = "dataset"
    dataset: AnyDataset
    split: PartOrAll | None = None

    @model_validator(mode="before")
    @classmethod
    def _named_data_has_a_test_part(cls, data: Any) -> Any:
        return split_by_default(data)


class FileRows(InputFile):
    """Predict arrays that lie in the store, of shape (n, ...) as the model takes them.

    `array` names one array of an `.npz`. None takes the only array of a file, or where a model
    has several inputs, for each the array of its name.
    """

    type: Literal["file"] = "file"
    path: Annotated[str, StringConstraints(pattern=r"^inputs/[0-9a-f]{64}\.np[yz]$")]
    array: (
        Annotated[str, StringConstraints(max_length=190), AfterValidator(_stays_inside)] | None
    ) = None


class TableRows(InputFile):
    """Predict the rows of a CSV file in the store: its columns are the fields that a model takes.

    Its first row names the columns; those that the model does not take are not looked at.
    """

    type: Literal["table"] = "table"
    path: Annotated[str, StringConstraints(pattern=r"^inputs/[0-9a-f]{64}\.csv$")]
    separator: Separator = ","


class PackedRows(InputFile):
    """Predict many small files, each of them one row: PNG and JPEG images, or texts in UTF-8.

    They lie in one zip archive in the store, in order, as "<number>/<name>".
    """

    type: Literal["images", "texts"]
    path: Annotated[str, StringConstraints(pattern=r"^inputs/[0-9a-f]{64}\.zip$")]


class PredictJob(JobSpec):
    """Predict classes and probabilities with a published model; or arrays with one of a file."""

    kind: Literal["predict"] = "predict"
    model: ModelOrFile
    rows: Annotated[DatasetRows | FileRows | TableRows | PackedRows, Field(discriminator="type")]
    output_format: Literal["npz", "csv"] = "npz"
    batch_size: PositiveInt = 128

    @property
    def summary(self) -> str:
        """For example: brave-otter on images.npz."""
        rows = self.rows
        if isinstance(rows, DatasetRows):
            return f"{self.model.name} on {data_named(rows.dataset, rows.split)}"
        return f"{self.model.name} on {rows.file}"

    @property
    def runs_code(self) -> bool:
        """Whether model or data need the user's code."""
        rows = self.rows
        made = isinstance(rows, DatasetRows) and made_by_code(rows.dataset)
        return self.model.code or made

    @classmethod
    def mistakes_between_fields(cls, data: Mapping[str, Any]) -> list[Mistake]:
        """A data set that is not known."""
        rows = data.get("rows")
        if not isinstance(rows, Mapping):
            return []
        return [Mistake("dataset", m.given, m.expected) for m in dataset_mistakes(rows)]
