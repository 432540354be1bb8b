"""Models that jobs have published, loaded and kept warm."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import keras

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.catalogue import DATASETS
from fitq_shared.errors import BadJob, InvalidInput, StoreError
from fitq_shared.specs.base import AnyModel, ModelRef
from fitq_shared.specs.code import UserCode
from fitq_shared.specs.learning import SPARSE_LOSSES
from fitq_shared.specs.models import CodeModel
from fitq_shared.specs.train import TrainJob
from fitq_shared.store import Store
from fitq_worker.interface import Input, Interface, Output
from fitq_worker.keras_files import compile_config, load_keras
from fitq_worker.model_errors import layer_named
from fitq_worker.pending_models import published

if TYPE_CHECKING:
    from fitq_worker.targets import TargetForm

WARM_MODELS = 4

KeepCode = Callable[[UserCode], Any]


@dataclass(frozen=True)
class LoadedModel:
    """A trained model, at hand.

    Attributes:
        model: not compiled until `compile` was called.
        interface: what it takes and gives.
        compiled_with: loss, metrics and optimizer as its file has them, if it has any.
    """

    model: keras.Model
    interface: Interface
    compiled_with: Mapping[str, Any] | None

    def compile(self) -> None:
        """Give the model the loss and the metrics that it was trained with.

        Raises:
            BadJob: its file has none, or Keras cannot make them.
        """
        if self.model.compiled:
            return
        if self.compiled_with is None:
            raise BadJob(
                "the model was saved without a loss, so there is nothing to measure it by",
                "train it again with a loss (--loss)",
            )
        with layer_named("the model cannot be compiled as it was saved"):
            self.model.compile_from_config(self.compiled_with)


@dataclass(frozen=True)
class PublishedModel(LoadedModel):
    """A model that a job has published; `trained` is that job."""

    trained: TrainJob


def load_published(
    store: Store, reference: AnyModel, keep_code: KeepCode | None = None
) -> PublishedModel:
    """Load a published model; keeps a few warm, unless they need code of their owners'.

    Its file must be the one that the manifest names, and hold nothing but a model (see
    model_files.py); only then Keras loads it, in safe mode.

    Args:
        keep_code: `JobContext.keep_code`, for a model whose classes come from such code; None:
            such a model is refused.

    Raises:
        StoreError: an artifact is missing, damaged, or cannot be loaded safely.
        BadJob: it needs code of its owner's, and this worker does not allow that.
    """
    reference = published(reference)
    if not reference.code:
        return _load(store.url, reference)
    spec = training_of(store, reference)
    if keep_code is None or not isinstance(spec.model, CodeModel):
        return _published(store, reference, spec)
    keep_code(spec.model).module()
    return _published(store, reference, spec, own_classes=True)


@lru_cache(maxsize=WARM_MODELS)
def _load(store_url: str, reference: ModelRef) -> PublishedModel:
    store = Store(store_url)
    return _published(store, reference, training_of(store, reference))


def _folder(store: Store, reference: ModelRef) -> AttemptFolder:
    return AttemptFolder(store, reference.job, reference.attempt)


def training_of(store: Store, reference: ModelRef) -> TrainJob:
    """The job that has trained a model, as its artifacts say it.

    Raises:
        StoreError: they cannot be read, or are damaged.
    """
    content = _folder(store, reference).read_verified(AttemptFolder.spec, reference.manifest)
    return TrainJob.parse(json.loads(content))


def _published(
    store: Store, reference: ModelRef, spec: TrainJob, *, own_classes: bool = False
) -> PublishedModel:
    folder = _folder(store, reference)
    content = folder.read_verified(AttemptFolder.model, reference.manifest)
    name = f"{folder.path}/{AttemptFolder.model}"
    try:
        model = load_keras(content, name, compiled=False, own_classes=own_classes)
    except (InvalidInput, BadJob) as error:
        message = error.message.removeprefix(f"{name} cannot be loaded: ")
        raise StoreError(f"{name} cannot be loaded: {message}", "train the model again") from error
    interface = _interface(folder, reference, spec)
    return PublishedModel(model, interface, compile_config(content), spec)


def _interface(folder: AttemptFolder, reference: ModelRef, spec: TrainJob) -> Interface:
    """What the artifacts say; those of earlier trainings, on images by name, say nothing."""
    if AttemptFolder.interface in folder.sums(reference.manifest):
        content = folder.read_verified(AttemptFolder.interface, reference.manifest)
        return Interface.from_json(json.loads(content))
    facts = DATASETS.get(str(spec.dataset))
    if facts is None:
        raise StoreError(f"{folder.path} does not say what its model takes", "train it again")
    image = Input("image", facts.image_shape, "uint8", "array", None, ("image",))
    form: TargetForm = "index" if spec.loss in SPARSE_LOSSES else "one_hot"
    said = Output(
        *("probabilities", (facts.classes,), "float32", "class"),
        *(facts.class_names, "label", form),
    )
    return Interface((image,), (said,))
