"""Models of users' own: made of files and code, with what comes with them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from fitq_shared.errors import BadJob, InvalidInput, StoreError
from fitq_shared.specs.base import ModelRef
from fitq_shared.specs.models import CodeModel, JsonModel, KerasModel
from fitq_shared.store import Store
from fitq_worker.identity import Identity
from fitq_worker.job_context import JobContext
from fitq_worker.models.own import make_own
from fitq_worker.own_errors import own_errors
from fitq_worker.published_model import load_published
from support.code import NET, user_code, write_files
from support.hostile_files import (
    MODELS_REFUSED_EVERYWHERE,
    WEIGHTS_THAT_LEAVE_THE_FILE,
    Hostile,
    layer,
    model_config,
)


@pytest.fixture
def context(tmp_path: Path, identity: Identity) -> Iterator[JobContext]:
    """What a job on a worker that allows code has at hand."""
    (tmp_path / "volume").mkdir()
    orders: Any = SimpleNamespace(obey=lambda: None)
    nothing: Any = None
    store = Store(str(tmp_path / "volume"))
    allowing = replace(identity, allows_code=True)
    made = JobContext(nothing, nothing, store, orders, allowing, nothing)
    with made.until_end:
        yield made


@pytest.fixture
def code(context: JobContext, tmp_path: Path) -> Callable[..., CodeModel]:
    """A model that `build` of this file builds."""

    def make(source: str, **options: Any) -> CodeModel:
        main = write_files(tmp_path / "home", net=source)
        return CodeModel(**user_code(context.store, main, **options).model_dump())

    return make


def kept(store: Store, content: bytes, name: str) -> dict[str, Any]:
    """A file in the store, as a spec names it."""
    sum_ = hashlib.sha256(content).hexdigest()
    path = f"inputs/{sum_}{Path(name).suffix}"
    store.write(path, content)
    return {"path": path, "sha256": sum_, "file": name}


def saved(model: keras.Model, folder: Path) -> bytes:
    model.save(folder / "saved.keras")
    return (folder / "saved.keras").read_bytes()


def small() -> keras.Model:
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])


def test_a_builder_gives_a_model(context: JobContext, code: Callable[..., CodeModel]) -> None:
    made = make_own(context, code(NET, units=3))
    assert made.model.name == "mine"
    assert made.model.count_params() == 784 * 3 + 3 + 3 * 10 + 10
    assert (made.model.compiled, made.compile_arguments, made.fit_arguments) == (False, {}, {})


def test_a_builder_may_compile(context: JobContext, code: Callable[..., CodeModel]) -> None:
    source = """
        import keras
        def build():
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
            model.compile(loss="mean_squared_error", optimizer="sgd")
            return model
        """
    assert make_own(context, code(source)).model.compiled


def test_a_builder_may_give_what_compile_and_fit_get(
    context: JobContext, code: Callable[..., CodeModel]
) -> None:
    source = """
        import keras
        class Count(keras.callbacks.Callback):
            pass
        def far(true, predicted):
            return keras.ops.mean(keras.ops.abs(true - predicted))
        def build():
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
            return model, {"loss": far, "metrics": [far], "callbacks": Count(),
                           "class_weight": {0: 1.0, 1: 2.0}}
        """
    made = make_own(context, code(source))
    assert set(made.compile_arguments) == {"loss", "metrics"}
    assert made.compile_arguments["loss"].__name__ == "far"
    assert [type(one).__name__ for one in made.fit_arguments["callbacks"]] == ["Count"]
    assert made.fit_arguments["class_weight"] == {0: 1.0, 1: 2.0}


@pytest.mark.parametrize("compiled", [False, True])
def test_a_keras_file_has_its_weights(context: JobContext, tmp_path: Path, compiled: bool) -> None:
    # Given a compiled model's file
    model = small()
    model.compile(loss="mean_squared_error", optimizer="sgd")
    file = kept(context.store, saved(model, tmp_path), "mine.keras")
    # When it is made, with its compile state or without
    made = make_own(context, KerasModel.model_validate({"file": file, "compiled": compiled}))
    # Then the weights are the same
    for one, other in zip(made.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert made.model.compiled is compiled


def test_a_vocabulary_comes_with_its_file(context: JobContext, tmp_path: Path) -> None:
    # Given a model that has learnt words
    words = keras.layers.TextVectorization(output_sequence_length=2)
    words.adapt(["good day", "good night"])
    model = keras.Sequential([keras.Input((), dtype="string"), words])
    file = kept(context.store, saved(model, tmp_path), "words.keras")
    # Then it still knows them
    made = make_own(context, KerasModel.model_validate({"file": file}))
    layer_ = made.model.layers[-1]
    assert layer_.get_vocabulary() == words.get_vocabulary()


def test_a_json_configuration_is_a_new_model(context: JobContext) -> None:
    model = small()
    model.compile(loss="mean_squared_error")
    file = kept(context.store, model.to_json().encode(), "mine.json")
    made = make_own(context, JsonModel.model_validate({"file": file}))
    assert made.model.count_params() == 9
    assert not made.model.compiled


@pytest.mark.parametrize(
    "hostile", [*MODELS_REFUSED_EVERYWHERE, *WEIGHTS_THAT_LEAVE_THE_FILE], ids=str
)
def test_a_hostile_file_is_refused_on_the_worker_too(context: JobContext, hostile: Hostile) -> None:
    file = kept(context.store, hostile.content, "mine.keras")
    with pytest.raises(InvalidInput) as caught:
        make_own(context, KerasModel.model_validate({"file": file, "compiled": True}))
    assert hostile.words in caught.value.message


@pytest.mark.parametrize("name", ["..", "../up", "a/b", "a\\b"])
def test_a_layer_whose_name_leads_to_another_folder_is_refused(
    context: JobContext, name: str
) -> None:
    config = model_config(layer("Dense", units=1, name=name))
    file = kept(context.store, json.dumps(config).encode(), "mine.json")
    with pytest.raises(InvalidInput, match="leads to another folder"):
        make_own(context, JsonModel.model_validate({"file": file}))


def test_what_keras_cannot_make_is_said(context: JobContext) -> None:
    config = model_config(layer("Dense", units=-1, name="wrong"))
    file = kept(context.store, json.dumps(config).encode(), "mine.json")
    with pytest.raises(BadJob, match=r"mine\.json cannot be loaded") as caught:
        make_own(context, JsonModel.model_validate({"file": file}))
    assert "Keras 3" in caught.value.hint


OWN_LAYER = """
    import keras

    @keras.saving.register_keras_serializable("mine")
    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2.0 * keras.ops.cast(x, "float32")

    def build():
        image = keras.Input((28, 28), dtype="uint8")
        x = keras.layers.Flatten()(Twice()(image))
        label = keras.layers.Dense(10, activation="softmax")(keras.layers.Lambda(lambda y: y)(x))
        return keras.Model(image, label)
    """


@pytest.fixture
def published(
    context: JobContext, code: Callable[..., CodeModel], publish_model: Callable[..., Any]
) -> ModelRef:
    """A model with a layer of its owner's, as a training publishes it in the context's store."""
    spec = code(OWN_LAYER)
    with context.own_code(spec) as own:
        store, reference = publish_model(model=own.call(), of=spec.model_dump())
    for path in store.files("jobs"):
        context.store.write(f"jobs/{path}", store.read(f"jobs/{path}"))
    return reference.model_copy(update={"code": True})


def test_a_published_model_is_loaded_with_its_code(
    context: JobContext, published: ModelRef, raw_images: NDArray[np.uint8]
) -> None:
    # Given that its layer is known to nobody
    assert keras.saving.get_registered_object("mine>Twice") is None
    # When it is loaded
    loaded = load_published(context.store, published, context.keep_code)
    # Then it works, with the layer
    assert loaded.model.predict_on_batch(raw_images).shape == (7, 10)
    assert [layer_.name for layer_ in loaded.model.layers].count("twice") == 1
    # And nothing of that stays once the job has ended
    context.until_end.close()
    assert keras.saving.get_registered_object("mine>Twice") is None


@pytest.mark.parametrize("said", [False, True])
def test_without_its_code_it_is_not_loaded(
    context: JobContext, published: ModelRef, said: bool
) -> None:
    # Given a reference that does not say that code is needed, or a caller that imports none
    reference = published.model_copy(update={"code": said})
    with pytest.raises(StoreError, match="none of the classes of Keras that are allowed"):
        load_published(context.store, reference, None if said else context.keep_code)


FAILING = {
    "a training step": (
        """
        import keras
        class Net(keras.Model):
            def train_step(self, data):
                raise ValueError("a step too far")
        def build():
            x = keras.Input((2,))
            model = Net(x, keras.layers.Dense(1)(x))
            model.compile(loss="mean_squared_error")
            return model
        """,
        "net.py line 5, in train_step: ValueError: a step too far",
    ),
    "a loss": (
        """
        import keras
        def far(true, predicted):
            return keras.ops.concatenate([true, predicted], axis=5)
        def build():
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
            model.compile(loss=far)
            return model
        """,
        "net.py line 4, in far: ",
    ),
    "a callback": (
        """
        import keras
        class Cool(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                logs["nothing like it"] / 2
        def build():
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
            model.compile(loss="mean_squared_error")
            return model, {"callbacks": [Cool()]}
        """,
        "net.py line 5, in on_epoch_end: KeyError: 'nothing like it'",
    ),
}


@pytest.mark.parametrize(("source", "words"), FAILING.values(), ids=FAILING)
def test_what_fails_while_it_trains_is_told_by_the_users_line(
    context: JobContext, code: Callable[..., CodeModel], source: str, words: str
) -> None:
    made = make_own(context, code(source))
    x, y = np.zeros((7, 2)), np.zeros((7, 1))
    with pytest.raises(BadJob) as caught, own_errors():
        made.model.fit(x, y, verbose=0, callbacks=list(made.fit_arguments.get("callbacks", [])))
    assert caught.value.message.startswith(words)
