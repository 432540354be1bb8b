"""Trainings whose inputs are prepared, in this process."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.store import Store
from fitq_worker import training_data
from fitq_worker.array_examples import ArrayExamples
from fitq_worker.examples import Examples, Field
from support.trainings import Job, after_call, assert_same_end, job, without_pictures

CROP = {"type": "center_crop", "height": 20, "width": 20}
AUGMENT = {"type": "augment", "flip": "horizontal", "rotate": 0.1, "contrast": 0.2}


class Homes(ArrayExamples):
    """A table with a number that is missing here and there, a category and a text."""

    @property
    def inputs(self) -> dict[str, Field]:
        return {**super().inputs, "city": Field((), "str", kind="category")}


def homes(*_: object, **__: object) -> Examples:
    random = np.random.default_rng(7)
    area = random.normal(90, 30, 200)
    area[::17] = np.nan
    cities = np.array(["oslo", "rome", "bern"], object)[random.integers(0, 3, 200)]
    words = np.array(["old house", "new flat", "old flat by the sea"], object)
    texts = words[random.integers(0, 3, 200)]
    quick = (area > 90).astype(np.int64)
    inputs = {"area": area, "city": cities, "about": texts}
    return Homes(inputs, {"quick": quick}, {"quick": ("no", "yes")})


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pictures(monkeypatch.setattr)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def loaded(trained: Job) -> keras.Model:
    return keras.models.load_model(trained.folder.local(AttemptFolder.model), safe_mode=True)


def test_a_table_of_all_kinds_trains_a_model_by_name(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given numbers that are missing, categories and texts, and nothing declared
    monkeypatch.setattr(training_data, "load_examples", homes)
    trained = job(store, dataset="mnist", epochs=2, early_stopping=None)
    # When a model by name is trained on them
    trained.run()
    # Then the saved model takes them as they are
    model = loaded(trained)
    inputs, _ = homes().read(np.arange(5))
    said = model.predict(inputs, verbose=0)
    assert said.shape == (5, 2)
    assert np.isfinite(said).all()
    # And its artifacts say what it takes
    interface: Any = json.loads(trained.folder.read(AttemptFolder.interface))
    assert [(one["name"], one["dtype"], one["columns"]) for one in interface["inputs"]] == [
        *(("area", "float64", ["area"]), ("city", "str", ["city"]), ("about", "str", ["about"]))
    ]
    # And it can be measured as it was trained
    targets = homes().read(np.arange(5))[1]["quick"]
    assert set(model.evaluate(inputs, targets, verbose=0, return_dict=True)) == {"loss", "accuracy"}


def test_an_augmented_training_goes_on_as_if_it_had_not_been_interrupted(
    store: Store, tmp_path: Path
) -> None:
    changes = {"preprocessing": {"image": [CROP, "rescale", AUGMENT]}, "epochs": 3}
    # Given a training that ran undisturbed, and one that was interrupted within an epoch
    undisturbed = job(Store(str(tmp_path / "other")), **changes)
    undisturbed.run()
    interrupted = job(store, **changes)
    interrupted.run("drain", after_call(1, 1))
    # When it goes on
    interrupted.run()
    # Then both have ended the same
    assert_same_end(interrupted, undisturbed)
    # And without augmentation it would have ended otherwise
    plain = job(
        Store(str(tmp_path / "plain")), preprocessing={"image": [CROP, "rescale"]}, epochs=3
    )
    plain.run()
    assert plain.history() != undisturbed.history()


def test_rows_held_out_change_nothing_that_is_learnt(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a data set whose last rows validate, and the same with other last rows
    def layers(last: float) -> list[Any]:
        def examples(*_: object, **__: object) -> Examples:
            area = np.concatenate([np.arange(80.0), np.full(20, last)])
            return ArrayExamples({"area": area}, {"quick": (area > 40).astype(np.int64)}, NAMES)

        monkeypatch.setattr(training_data, "load_examples", examples)
        trained = job(store, epochs=1, early_stopping=None, validation_split=0.2)
        trained.attempt = int(last)
        trained.run()
        config = json.loads(loaded(trained).to_json())["config"]["layers"]
        return [layer["config"] for layer in config if layer["class_name"] == "Normalization"]

    # Then the means of both are those of the rows that were trained on
    one, two = layers(0), layers(1000)
    assert one[0]["mean"] == two[0]["mean"] == [39.5]
    assert one[0]["variance"] == two[0]["variance"]


NAMES = {"quick": ("no", "yes")}


def test_the_content_of_the_model_file_is_config_and_weights_only(store: Store) -> None:
    trained = job(store, preprocessing={"image": "rescale"}, epochs=1)
    trained.run()
    content = io.BytesIO(trained.folder.read(AttemptFolder.model))
    with zipfile.ZipFile(content) as archive:
        assert set(archive.namelist()) == {"metadata.json", "config.json", "model.weights.h5"}
