from __future__ import annotations

import hashlib
import uuid

import pytest

from fitq_shared.attempt_folder import MANIFEST, AttemptFolder
from fitq_shared.errors import StoreError
from fitq_shared.store import Store


@pytest.fixture
def folder(store) -> AttemptFolder:
    return AttemptFolder(store, "abcd2345", 2)


@pytest.fixture
def sealed(folder):
    """A folder with two artifacts, and the sum of its manifest."""
    folder.write(AttemptFolder.log, "done\n")
    folder.write_json(AttemptFolder.metrics, {"loss": 0.5, "nan": float("nan")})
    return folder, folder.seal()


def test_each_attempt_has_a_folder_of_its_own(store, folder):
    first = AttemptFolder(store, "abcd2345", 1)
    first.write(AttemptFolder.log, "first")
    folder.write(AttemptFolder.log, "second")
    assert first.read(AttemptFolder.log) == b"first"
    assert folder.location == str(store.folder / "jobs/abcd2345/attempt-2")


@pytest.mark.services
def test_a_record_leads_to_its_newest_attempt(store, train_job, records, claim):
    record = records.create(train_job())
    assert AttemptFolder.of(store, record).path == f"jobs/{record.id}/attempt-1"


def test_artifacts_are_written_and_read(folder):
    assert not folder.exists(AttemptFolder.log)
    folder.write(AttemptFolder.log, "grün\n")
    folder.write(AttemptFolder.model, b"\x00\x01")
    folder.write_json(AttemptFolder.metrics, {"loss": 0.5})
    assert folder.exists(AttemptFolder.log)
    assert folder.read(AttemptFolder.log).decode() == "grün\n"
    assert folder.read_json(AttemptFolder.metrics) == {"loss": 0.5}
    assert folder.files() == ["log.txt", "metrics.json", "model.keras"]


def test_the_manifest_names_all_files_but_itself(sealed):
    # Given a sealed folder
    folder, manifest = sealed
    # When its sums are read
    sums = folder.sums(manifest)
    # Then they are those of the files
    assert sums == {
        name: hashlib.sha256(folder.read(name)).hexdigest() for name in ("log.txt", "metrics.json")
    }
    assert manifest == hashlib.sha256(folder.read(MANIFEST)).hexdigest()
    assert folder.files() == ["log.txt", MANIFEST, "metrics.json"]


def test_checkpoints_are_no_artifacts(sealed, store):
    # Given a folder in which an outdated attempt still writes a checkpoint
    folder, manifest = sealed
    store.write(f"{folder.path}/{AttemptFolder.checkpoints}/00001-00000-a.npz", b"weights")
    # Then it is neither listed nor in the manifest
    assert folder.files() == ["log.txt", MANIFEST, "metrics.json"]
    assert folder.seal() == manifest


def test_sealing_again_changes_nothing(sealed):
    folder, manifest = sealed
    assert folder.seal() == manifest


def test_a_published_artifact_is_checked_and_read(sealed):
    folder, manifest = sealed
    assert folder.read_verified(AttemptFolder.log, manifest) == b"done\n"


def test_a_changed_byte_is_detected(sealed):
    # Given an artifact in which somebody changed one byte
    folder, manifest = sealed
    folder.local(AttemptFolder.log).write_bytes(b"gone\n")

    # When it is read
    # Then that is said
    with pytest.raises(StoreError, match=r"log\.txt is damaged"):
        folder.read_verified(AttemptFolder.log, manifest)


def test_a_changed_manifest_is_detected(sealed):
    # Given an artifact that was changed, with its sum
    folder, manifest = sealed
    folder.write(AttemptFolder.log, "gone\n")
    assert folder.seal() != manifest

    # When it is read as published
    # Then that is said
    with pytest.raises(StoreError, match="not the one that was published"):
        folder.read_verified(AttemptFolder.log, manifest)
    with pytest.raises(StoreError, match="not the one that was published"):
        folder.sums(manifest)


def test_a_file_that_came_later_was_never_published(sealed):
    folder, manifest = sealed
    folder.write(AttemptFolder.model, b"late")
    with pytest.raises(StoreError, match=r"model\.keras is not among the artifacts"):
        folder.read_verified(AttemptFolder.model, manifest)


def test_a_file_that_has_gone_is_an_error(sealed, store):
    folder, manifest = sealed
    store.remove(f"{folder.path}/{AttemptFolder.log}")
    with pytest.raises(StoreError, match=r"cannot read .*log\.txt"):
        folder.read_verified(AttemptFolder.log, manifest)


def test_a_folder_without_a_manifest_is_an_error(folder):
    with pytest.raises(StoreError, match=r"cannot read .*manifest\.json"):
        folder.sums("a" * 64)


def test_a_local_path_has_its_folder(folder):
    path = folder.local(AttemptFolder.model)
    path.write_bytes(b"model")
    assert folder.read(AttemptFolder.model) == b"model"


def test_a_store_that_is_no_folder_has_no_local_paths():
    folder = AttemptFolder(Store(f"memory://{uuid.uuid4().hex}"), "abcd2345", 1)
    with pytest.raises(StoreError, match="not a folder of this machine") as caught:
        folder.local(AttemptFolder.model)
    assert "FITQ_STORE" in caught.value.hint
    # But all else works
    folder.write(AttemptFolder.log, "done")
    assert folder.read_verified(AttemptFolder.log, folder.seal()) == b"done"


def test_a_file_is_written_in_place_where_the_store_is_a_folder(folder):
    with folder.file(AttemptFolder.model) as path:
        path.write_bytes(b"model")
        assert path == folder.local(AttemptFolder.model)
    assert folder.read(AttemptFolder.model) == b"model"


def test_a_file_comes_into_a_store_that_is_no_folder_whole():
    folder = AttemptFolder(Store(f"memory://{uuid.uuid4().hex}"), "abcd2345", 1)
    # Given a file that is being written
    with folder.file(AttemptFolder.model) as path:
        path.write_bytes(b"mod")
        # Then it is not in the store before it is whole
        assert not folder.exists(AttemptFolder.model)
        path.write_bytes(b"model")
    assert folder.read(AttemptFolder.model) == b"model"
    assert not path.exists()
    # And what a job wrote before it failed is kept, as in a folder
    with pytest.raises(RuntimeError), folder.file(AttemptFolder.log) as path:
        path.write_bytes(b"so far")
        raise RuntimeError
    assert folder.read(AttemptFolder.log) == b"so far"


def test_a_volume_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    folder = AttemptFolder(Store(str(tmp_path / "file")), "abcd2345", 1)
    with pytest.raises(StoreError, match="cannot make the folder"):
        folder.local(AttemptFolder.model)
