from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fitq_shared.catalogue import DatasetFacts
from fitq_worker.datasets import idx, npz
from fitq_worker.datasets.dataset import Arrays, check
from fitq_worker.datasets.sources import keras_cache
from fitq_worker.datasets.sources.keras_cache import KerasCache, keras_homes
from fitq_worker.datasets.sources.source import SourceUnavailable


def test_an_npz_below_keras_home_is_found(
    facts: DatasetFacts, arrays: Arrays, keras_home: Path
) -> None:
    (keras_home / "datasets" / "made-up.npz").write_bytes(npz.pack(arrays))
    check(facts, KerasCache("datasets/made-up.npz", read=npz.read_file).fetch(facts))


def test_a_folder_of_idx_files_below_keras_home_is_found(
    facts: DatasetFacts, write_idx: Callable[..., None], keras_home: Path
) -> None:
    write_idx(keras_home / "datasets" / "made-up", packed=True)
    check(facts, KerasCache("datasets/made-up", read=idx.read_folder).fetch(facts))


def test_the_place_where_keras_goes_without_a_home_is_looked_at_too(
    facts: DatasetFacts,
    arrays: Arrays,
    keras_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given nothing in Keras's home, and the file in its folder for temporary files
    monkeypatch.setattr(keras_cache.tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "made-up.npz").write_bytes(npz.pack(arrays))

    # When it is fetched, then it is found
    check(facts, KerasCache("made-up.npz", read=npz.read_file).fetch(facts))


def test_nothing_there_says_where_a_person_can_put_it(
    facts: DatasetFacts, keras_home: Path
) -> None:
    with pytest.raises(SourceUnavailable, match=rf"there is no {keras_home}/absent\.npz"):
        KerasCache("absent.npz", read=npz.read_file).fetch(facts)


def test_the_home_is_the_users_own_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert keras_homes()[0] == tmp_path / ".keras"


def test_the_places_are_those_of_keras() -> None:
    # Given Keras, and this environment
    file_utils = pytest.importorskip("keras.src.utils.file_utils")

    # Then the place we look at first is the one where it keeps files
    assert str(keras_homes()[0]) == file_utils.config.keras_home()
