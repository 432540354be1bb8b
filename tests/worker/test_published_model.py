from __future__ import annotations

import errno
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.catalogue import FASHION_MNIST
from fitq_shared.errors import StoreError
from fitq_shared.specs.base import ModelRef
from fitq_shared.store import Store
from fitq_worker import published_model
from fitq_worker.published_model import WARM_MODELS, load_published
from support.hostile_files import (
    MODELS_REFUSED_EVERYWHERE,
    WEIGHTS_THAT_LEAVE_THE_FILE,
    Hostile,
    keras_file,
    layer,
    model_config,
)

Publish = Callable[..., tuple[Store, ModelRef]]


@pytest.fixture(autouse=True)
def nothing_warm() -> Iterator[None]:
    published_model._load.cache_clear()
    yield
    published_model._load.cache_clear()


def test_it_predicts_as_the_one_that_was_saved(
    publish_model: Publish, raw_images: NDArray[np.uint8]
) -> None:
    # Given a model that was published
    store, reference = publish_model()
    saved = keras.models.load_model(AttemptFolder(store, "job", 1).local(AttemptFolder.model))
    # Then what is loaded gives the same, and knows its classes
    published = load_published(store, reference)
    np.testing.assert_array_equal(
        published.model.predict_on_batch(raw_images), saved.predict_on_batch(raw_images)
    )
    assert published.interface.class_names == FASHION_MNIST.class_names
    assert published.interface.inputs[0].is_image


@pytest.mark.parametrize(
    ("loss", "form"),
    [("sparse_categorical_crossentropy", "index"), ("categorical_crossentropy", "one_hot")],
)
def test_it_knows_which_labels_its_loss_takes(publish_model: Publish, loss: str, form: str) -> None:
    assert load_published(*publish_model(loss=loss)).interface.outputs[0].form == form


@pytest.mark.parametrize("name", [AttemptFolder.model, AttemptFolder.spec, "manifest.json"])
def test_what_was_changed_after_its_publication_is_refused(
    publish_model: Publish, name: str
) -> None:
    # Given one of the files that loading needs, with one byte changed
    store, reference = publish_model()
    folder = AttemptFolder(store, "job", 1)
    content = bytearray(folder.read(name))
    content[len(content) // 2] ^= 1
    folder.write(name, bytes(content))
    # Then the model is not loaded, and the file is named
    with pytest.raises(StoreError) as caught:
        load_published(store, reference)
    assert name in caught.value.message
    assert caught.value.hint


def test_another_model_in_its_place_is_refused(publish_model: Publish) -> None:
    # Given a published model, in whose place another good one was put
    store, reference = publish_model()
    other = AttemptFolder(publish_model("other")[0], "other", 1).read(AttemptFolder.model)
    AttemptFolder(store, "job", 1).write(AttemptFolder.model, other)
    # Then it is not taken for the one that was published
    with pytest.raises(StoreError, match=r"model\.keras is damaged"):
        load_published(store, reference)


@pytest.mark.parametrize("name", [AttemptFolder.model, AttemptFolder.spec, "manifest.json"])
def test_what_is_gone_is_named(publish_model: Publish, name: str) -> None:
    store, reference = publish_model()
    store.remove(f"jobs/job/attempt-1/{name}")
    with pytest.raises(StoreError, match=name.replace(".", r"\.")):
        load_published(store, reference)


def test_a_model_that_would_run_code_is_refused(publish_model: Publish) -> None:
    # Given a model file with a Python function in it, which the manifest vouches for
    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Lambda(lambda x: x)])
    store, reference = publish_model(model=model)
    # Then it is not loaded
    with pytest.raises(StoreError, match="cannot be loaded") as caught:
        load_published(store, reference)
    assert "train the model again" in caught.value.hint


@pytest.mark.parametrize(
    "hostile", [*MODELS_REFUSED_EVERYWHERE, *WEIGHTS_THAT_LEAVE_THE_FILE], ids=str
)
def test_a_hostile_model_never_reaches_keras(
    publish_model: Publish, monkeypatch: pytest.MonkeyPatch, hostile: Hostile
) -> None:
    # Given a hostile file that the manifest vouches for
    def load(*_: object, **__: object) -> None:
        pytest.fail("Keras was asked to load it")

    monkeypatch.setattr(keras.models, "load_model", load)
    # Then it is refused, with what was found and what to do
    with pytest.raises(StoreError) as caught:
        load_published(*publish_model(content=hostile.content))
    assert hostile.words in caught.value.message
    assert "model.keras" in caught.value.message
    assert caught.value.message.isprintable()
    assert caught.value.hint


def test_keras_gets_what_was_checked_and_loads_it_in_safe_mode(
    publish_model: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a model in the volume, in whose place another is put once it was checked
    store, reference = publish_model(content=keras_file())
    load, seen = keras.models.load_model, []

    def swap(path: Path, **options: object) -> keras.Model:
        store.write("jobs/job/attempt-1/model.keras", b"another")
        seen.append((path, options))
        return load(path, **options)

    monkeypatch.setattr(keras.models, "load_model", swap)
    # Then the checked one is loaded, and no copy of it stays behind
    assert load_published(store, reference).model.count_params() == 3
    [(path, options)] = seen
    assert options["safe_mode"] is True
    assert not path.exists()


def test_the_harmless_one_of_the_hostile_files_is_loaded(publish_model: Publish) -> None:
    assert load_published(*publish_model(content=keras_file())).model.count_params() == 3


def test_weights_that_do_not_fit_the_config_are_refused(publish_model: Publish) -> None:
    config = model_config(layer("Dense", units=7, name="dense"))
    with pytest.raises(StoreError, match="cannot be loaded"):
        load_published(*publish_model(content=keras_file(config)))


def empty_archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("notes.txt", "no model")
    return content.getvalue()


def test_a_file_that_is_no_model_is_refused(publish_model: Publish) -> None:
    with pytest.raises(StoreError, match=r"model\.keras cannot be loaded"):
        load_published(*publish_model(content=b"no model at all"))


def test_an_archive_without_a_model_is_refused(publish_model: Publish) -> None:
    with pytest.raises(StoreError, match=r"model\.keras cannot be loaded"):
        load_published(*publish_model(content=empty_archive()))


def test_a_failure_is_not_kept(publish_model: Publish) -> None:
    # Given a model whose file was away for a moment
    store, reference = publish_model()
    path = "jobs/job/attempt-1/model.keras"
    content = store.read(path)
    store.remove(path)
    with pytest.raises(StoreError):
        load_published(store, reference)
    # When it is back, it can be loaded
    store.write(path, content)
    assert load_published(store, reference).model is not None


def test_a_host_without_room_for_temporary_files_may_have_some_later(
    publish_model: Publish, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given a host on which no temporary file can be made
    store, reference = publish_model()
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        with pytest.raises(StoreError, match="cannot keep a copy of the model") as caught:
            load_published(store, reference)
    # Then that is no fault of the model, and when it can be made the model is loaded
    assert caught.value.passing
    assert "TMPDIR" in caught.value.hint
    assert load_published(store, reference).model is not None


def test_a_copy_that_cannot_be_read_may_be_readable_later(
    publish_model: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(keras.models, "load_model", load)
    with pytest.raises(StoreError, match="Input/output error") as caught:
        load_published(*publish_model())
    assert caught.value.passing


def test_a_model_that_cannot_be_loaded_stays_so(publish_model: Publish) -> None:
    with pytest.raises(StoreError) as caught:
        load_published(*publish_model(content=b"no model at all"))
    assert not caught.value.passing


def test_a_model_is_kept_warm(publish_model: Publish) -> None:
    store, reference = publish_model()
    assert load_published(store, reference) is load_published(store, reference)


def test_only_a_few_are_kept_warm(publish_model: Publish) -> None:
    # Given a model that is used again and again, while others come and go
    store, favourite = publish_model("favourite")
    once = publish_model("once")[1]
    kept, dropped = load_published(store, favourite), load_published(store, once)
    for number in range(WARM_MODELS - 1):
        load_published(*publish_model(f"other{number}"))
        assert load_published(store, favourite) is kept
    # Then the one that nobody has used for the longest time is loaded anew
    assert load_published(store, once) is not dropped
    assert WARM_MODELS <= 16


def test_two_publications_of_one_job_are_two_models(publish_model: Publish) -> None:
    # Given a job whose folder was written anew, under another manifest
    store, first = publish_model()
    old = load_published(store, first)
    _, second = publish_model(seed=4)
    assert load_published(store, second) is not old
