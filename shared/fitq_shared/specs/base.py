"""What every job spec has, and how a spec is made from untrusted input."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
    model_validator,
)

from fitq_shared.catalogue import DATASETS, DatasetFacts
from fitq_shared.durations import seconds_of
from fitq_shared.errors import InvalidInput, Mistake
from fitq_shared.queues import LARGEST_GPU, MOST_GPUS, DeviceNeed, Needs, Priority
from fitq_shared.schema import SCHEMA_VERSION
from fitq_shared.sizes import A_SIZE, bytes_of, gib
from fitq_shared.specs.bounds import check_bounds
from fitq_shared.specs.mistakes import from_validation, unknown_choice

Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
VersionLabel = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}(@[1-9][0-9]{0,8})?$")
]
Owner = Annotated[str, StringConstraints(pattern=r"^[^\s/\x00-\x1f\x7f]{1,64}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Split = Literal["train", "test"]
MOST_TAGS = 32


def _spoken_here(version: int) -> int:
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"{SCHEMA_VERSION}, the version of jobs that this fitq knows; "
            "bring client and workers to the same release"
        )
    return version


Version = Annotated[int, Field(strict=True), AfterValidator(_spoken_here)]


def _in_seconds(value: object) -> object:
    return seconds_of(value) if isinstance(value, str) else value


Seconds = Annotated[float, BeforeValidator(_in_seconds), Field(gt=0, allow_inf_nan=False)]


def _in_bytes(value: object) -> object:
    return bytes_of(value) if isinstance(value, str) else value


def _a_gpu_has_it(size: int) -> int:
    if not SMALLEST_MEMORY <= size <= LARGEST_GPU:
        raise ValueError(f"{A_SIZE}, and at most {gib(LARGEST_GPU)}")
    return size


# A number without a unit is bytes, as the spec keeps them; who writes 20 means something else.
SMALLEST_MEMORY = 2**20
GpuMemory = Annotated[
    int, BeforeValidator(_in_bytes), Field(strict=True), AfterValidator(_a_gpu_has_it)
]


class Spec(BaseModel):
    """A part of a job spec: immutable, and nothing in it that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _is_a_name(value: str) -> str:
    if value in ("", ".", "..") or "/" in value or "\\" in value:
        raise ValueError("the name of a file, without folders")
    return value


InputPath = Annotated[str, StringConstraints(pattern=r"^inputs/[0-9a-f]{64}\.[a-z0-9]{1,16}$")]


class InputFile(Spec):
    """A file of the user's that lies in the store, under its SHA-256: `inputs/<sha256>.<suffix>`.

    `file` is what the user called it.
    """

    path: InputPath
    sha256: Sha256
    file: Annotated[str, StringConstraints(max_length=255), AfterValidator(_is_a_name)]


class JobSpec(Spec):
    """What every kind of job has. `name`, `owner` and `tags` are for people to find it by.

    `timeout` is for how long it may run, all its attempts together, in seconds; text such as
    "2h" is understood. What it needs says which workers may run it: `min_gpu_memory`, in bytes
    (text such as "20GiB" is understood), of each of its `gpus`; either makes the device a GPU.
    Of what waits for the same workers, `priority` "high" goes first, mostly.
    """

    schema_version: Version = SCHEMA_VERSION
    kind: str
    name: Label
    owner: Owner
    tags: Annotated[tuple[Label, ...], Field(max_length=MOST_TAGS)] = ()
    device: DeviceNeed = "any"
    min_gpu_memory: GpuMemory | None = None
    gpus: Annotated[int, Field(strict=True, ge=1, le=MOST_GPUS)] | None = None
    priority: Priority = "normal"
    timeout: Seconds | None = None

    @model_validator(mode="before")
    @classmethod
    def _a_need_of_gpus_is_one_of_a_gpu(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("device", "any") == "any" and _gpu_needs(data):
            return {**data, "device": "gpu"}
        return data

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """Make a spec from untrusted values.

        Raises:
            InvalidInput: names every mistake at once, those between fields included; but what is
                too large or too deep is not looked at any further.
        """
        hidden = check_bounds(data)
        mistakes: list[Mistake] = []
        spec = None
        try:
            spec = cls.model_validate(dict(data))
        except ValidationError as error:
            mistakes += from_validation(error, cls)
        mistakes += _need_mistakes(data) + cls.mistakes_between_fields(data)
        named = {mistake.where for mistake in mistakes}
        mistakes += [mistake for mistake in hidden if mistake.where not in named]
        if mistakes or spec is None:
            raise InvalidInput(mistakes)
        return spec

    @classmethod
    def mistakes_between_fields(cls, data: Mapping[str, Any]) -> list[Mistake]:
        """Mistakes that no field shows alone. Must bear fields that are wrong themselves."""
        return []

    @property
    def summary(self) -> str:
        """The job in a few words, as Flower and listings show it."""
        raise NotImplementedError

    @property
    def needs(self) -> Needs:
        """What it needs of a worker."""
        return Needs(self.device, self.min_gpu_memory, self.gpus, self.runs_code)

    @property
    def fixed_threads(self) -> int | None:
        """How many threads its first attempt must have; None: those of its worker."""
        return None

    @property
    def runs_code(self) -> bool:
        """Whether code of the user's runs with it: only workers that allow code then take it."""
        return False

    def canonical(self) -> str:
        """The spec as JSON, always in the same form."""
        return canonical_json(self.model_dump(mode="json"))

    def digest(self) -> str:
        """SHA-256 of the canonical form, in hexadecimal."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


def canonical_json(values: Mapping[str, Any]) -> str:
    """A spec's values as JSON, always in the same form: what its hash is taken of."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def _gpu_needs(data: Mapping[str, Any]) -> list[str]:
    """Which needs the raw values name that only GPUs meet."""
    return [name for name in ("min_gpu_memory", "gpus") if data.get(name) is not None]


def _need_mistakes(data: Mapping[str, Any]) -> list[Mistake]:
    needs = _gpu_needs(data)
    if data.get("device") != "cpu" or not needs:
        return []
    given = f"{' and '.join(needs)} {'is' if len(needs) == 1 else 'are'} given"
    return [Mistake("device", "cpu", f"gpu or nothing, since {given}")]


class ModelRef(Spec):
    """A model that a job has published: the job's id, its attempt, and its manifest's sum.

    `name` is for people: the job's, or that of a registered version, such as mnist@3. `code`
    says that its classes come from the user's code, which runs when it is loaded.
    """

    job: Label
    attempt: int
    manifest: Sha256
    name: VersionLabel
    code: bool = False


class PendingModel(Spec):
    """The model that a job will publish, which has not ended yet: a link before this one in a
    chain. The worker looks up the `ModelRef` when this job runs."""

    pending: Literal[True] = True
    job: Label
    name: Label
    code: bool = False


def _is_pending(value: object) -> str:
    named = isinstance(value, PendingModel) or (isinstance(value, Mapping) and "pending" in value)
    return "a pending model" if named else "a published model"


AnyModel = Annotated[
    Annotated[ModelRef, Tag("a published model")] | Annotated[PendingModel, Tag("a pending model")],
    Discriminator(_is_pending),
]


def known_dataset(data: Mapping[str, Any], key: str = "dataset") -> DatasetFacts | None:
    """The facts of the data set that the raw values name, if they do name one."""
    name = data.get(key)
    return DATASETS.get(name) if isinstance(name, str) else None


def dataset_mistakes(data: Mapping[str, Any], key: str = "dataset") -> list[Mistake]:
    """A mistake if the raw values name a data set that is not known."""
    name = data.get(key)
    if not isinstance(name, str) or name in DATASETS:
        return []
    return [unknown_choice(key, name, DATASETS)]
