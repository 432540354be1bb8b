from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.errors import StoreError
from fitq_shared.store import Store
from fitq_worker import checkpoint_writer
from fitq_worker import checkpoints as checkpoints_module
from fitq_worker.checkpoint_writer import CheckpointWriter
from fitq_worker.checkpoints import (
    Checkpoint,
    CheckpointFolder,
    Position,
    Unusable,
    newest_first,
    remove_checkpoints,
)
from fitq_worker.training_state import DoesNotFit, TrainingState
from support.hostile_files import patched
from support.trainings import Job, job


def checkpoint(epoch: int = 3, batch: int = 0, **changes: Any) -> Checkpoint:
    made = Checkpoint(
        position=Position(epoch, batch),
        spec_hash="s",
        threads=2,
        over=False,
        history=[{"epoch": 1, "loss": 0.1 + 0.2, "auc": math.inf}],
        seconds=1.5,
        stopping={"wait": 1, "stopped_epoch": 0, "best": 1 / 3, "best_epoch": 0},
        arrays={
            "model": [
                ("mlp/kernel", np.float32([[0.1, math.nan], [-0.0, 1e-42]])),
                ("seed", np.array([1, 2**32 - 1], np.uint32)),
            ],
            "optimizer": [("adam/iterations", np.array(7))],
            "metrics": [],
            "best": [("", np.zeros((0, 3), np.float32))],
        },
    )
    return replace(made, **changes)


@pytest.fixture
def training(tmp_path: Path) -> Job:
    """A job whose third attempt runs."""
    made = job(Store(str(tmp_path / "store")))
    made.attempt = 3
    return made


@pytest.fixture
def folder(training: Job) -> CheckpointFolder:
    return training.checkpoints()


def of(training: Job, *place: int) -> Checkpoint:
    return checkpoint(*place, spec_hash=training.spec.digest())


def found(training: Job) -> list[tuple[int, Position]]:
    return [(n, one.position) for n, one in newest_first(training.store, training.record)]


def damage(folder: CheckpointFolder, store: Store, name: str, content: bytes | None = None) -> None:
    path = f"{folder.path}/{name}"
    store.write(path, store.read(path)[:-9] if content is None else content)


# -- the file ---------------------------------------------------------------------------------


def test_what_was_packed_is_unpacked_to_the_last_bit() -> None:
    # Given a checkpoint of odd numbers
    packed = checkpoint(3, 120)
    # When it is written and read
    unpacked = Checkpoint.unpack(packed.pack())
    # Then nothing has changed
    assert replace(unpacked, arrays={}) == replace(packed, arrays={})
    assert list(unpacked.arrays) == list(packed.arrays)
    for group, expected in packed.arrays.items():
        assert [name for name, _ in unpacked.arrays[group]] == [name for name, _ in expected]
        for (_, one), (_, other) in zip(unpacked.arrays[group], expected, strict=True):
            assert (one.dtype, one.shape) == (other.dtype, other.shape)
            assert one.tobytes() == other.tobytes()


def test_what_is_no_checkpoint_is_refused() -> None:
    content = checkpoint().pack()
    pickled = io.BytesIO()
    np.savez(pickled, facts=np.array([{"format": 1}], object))
    for wrong in (b"", b"text", content[: len(content) // 2], pickled.getvalue()):
        with pytest.raises(Unusable, match="no checkpoint"):
            Checkpoint.unpack(wrong)


def forged(save: Callable[..., None] = np.savez, **changes: Any) -> bytes:
    """A checkpoint with other facts than it was made of, or written in another way."""
    with np.load(io.BytesIO(checkpoint().pack())) as file:
        arrays = dict(file)
    facts = {**json.loads(arrays.pop("facts").tobytes()), **changes}
    content = io.BytesIO()
    save(content, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8), **arrays)
    return content.getvalue()


def bomb(file: io.BytesIO, **arrays: Any) -> None:
    np.savez_compressed(file, **{**arrays, "best/0": np.zeros((2**20, 3), np.float32)})


FORGED = {
    "encrypted": patched(checkpoint().pack(), 8, b"\x01\x00"),
    "packed in another way": patched(checkpoint().pack(), 10, b"\x63\x00"),
    "packed badly": patched(checkpoint().pack(), 10, b"\x08\x00"),
    "names in a list": forged(names=[1]),
    "a name for all": forged(names={"model": 5}),
    "an array too many": forged(names={"model": ["a", "b", "c"]}),
    "an archive bomb": forged(bomb),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_checkpoint_is_passed_over(
    training: Job, folder: CheckpointFolder, what: str
) -> None:
    # Given a good checkpoint, and a later one that somebody has made, sum and all
    folder.write(of(training, 1))
    name = f"00002-00000-{hashlib.sha256(FORGED[what]).hexdigest()}.npz"
    training.store.write(f"{folder.path}/{name}", FORGED[what])
    # Then the job goes on from the good one
    assert found(training) == [(3, Position(1))]
    with pytest.raises(Unusable, match="no checkpoint"):
        folder.read(name)


def test_a_model_of_many_variables_has_a_checkpoint_too() -> None:
    arrays = {"model": [(str(n), np.zeros(1, np.float32)) for n in range(2000)]}
    assert len(Checkpoint.unpack(checkpoint(arrays=arrays).pack()).arrays["model"]) == 2000


def test_a_checkpoint_of_another_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = checkpoint().pack()
    monkeypatch.setattr(checkpoints_module, "FORMAT", 2)
    with pytest.raises(Unusable, match="of form 1, expected 2"):
        Checkpoint.unpack(content)


def test_positions_are_ordered_and_told_as_people_count() -> None:
    assert Position(2, 5) < Position(2, 15) < Position(3) < Position(10)
    assert str(Position(3)) == "epoch 4"
    assert str(Position(3, 120)) == "epoch 4, batch 121"


# -- the folder -------------------------------------------------------------------------------


def test_the_newest_two_are_kept(folder: CheckpointFolder, training: Job) -> None:
    # Given checkpoints at five places, with epochs of more digits than the names have room for
    places = [(1, 0), (1, 30), (2, 0), (99_999, 3), (100_000, 0)]
    for index, place in enumerate(places):
        folder.write(checkpoint(*place))
        # Then the newest and the one before are there at any time
        expected = [Position(*one) for one in places[: index + 1]][::-1][:2]
        assert list(folder.positions().values()) == expected
        assert len(training.store.files(folder.path)) == len(expected)


def test_a_name_tells_the_place_and_the_sum(folder: CheckpointFolder) -> None:
    folder.write(checkpoint(3, 120))
    (name,) = folder.positions()
    assert name.startswith("00003-00120-")
    assert folder.read(name).position == Position(3, 120)


def test_one_changed_byte_is_damage(folder: CheckpointFolder, training: Job) -> None:
    folder.write(checkpoint())
    (name,) = folder.positions()
    damage(folder, training.store, name)
    with pytest.raises(Unusable, match="damaged"):
        folder.read(name)


def test_an_old_one_that_cannot_be_removed_stops_nothing(
    folder: CheckpointFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Store, "remove", refuse)
    for epoch in (1, 2, 3):
        folder.write(checkpoint(epoch))
    assert len(folder.positions()) == 3
    assert "an old checkpoint stays: cannot" in caplog.text


def refuse(*_: object) -> None:
    raise StoreError("cannot", passing=True)


# -- the search -------------------------------------------------------------------------------


def test_the_newest_position_of_all_attempts_comes_first(training: Job) -> None:
    # Given three attempts, the second of which has come farthest
    for number, places in {1: [(1, 0), (2, 0)], 2: [(2, 0), (2, 30)], 3: [(1, 30)]}.items():
        for place in places:
            training.checkpoints(number).write(of(training, *place))
    # Then that is where the job goes on, at the same place rather from the later attempt
    assert found(training) == [
        (2, Position(2, 30)),
        (2, Position(2)),
        (1, Position(2)),
        (3, Position(1, 30)),
        (1, Position(1)),
    ]
    # And attempts before the first one do not count
    training.first_attempt = 3
    assert found(training) == [(3, Position(1, 30))]


def test_what_cannot_be_used_is_said_and_passed_over(
    training: Job, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a good checkpoint, a later one of another spec, and a damaged one later still
    training.checkpoints(1).write(of(training, 1))
    training.checkpoints(1).write(checkpoint(2))
    training.checkpoints(2).write(of(training, 3))
    (name,) = training.checkpoints(2).positions()
    damage(training.checkpoints(2), training.store, name)
    # And what a killed writer has left
    training.store.write(f"{training.checkpoints(2).path}/{name}.0123abcd.part", b"half")
    # Then the good one is found
    assert found(training) == [(1, Position(1))]
    assert f"attempt-2/checkpoints/{name} is damaged: using the one before" in caplog.text
    assert "is of another spec: using the one before" in caplog.text


def test_a_checkpoint_that_goes_while_it_is_looked_for_is_passed_over(
    training: Job, folder: CheckpointFolder
) -> None:
    folder.write(of(training, 1))
    folder.write(of(training, 2))
    search = newest_first(training.store, training.record)
    assert next(search)[1].position == Position(2)
    training.store.remove(f"{folder.path}/{list(folder.positions())[1]}")
    assert list(search) == []


def test_a_volume_that_cannot_be_read_is_no_lack_of_checkpoints(
    training: Job, folder: CheckpointFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a checkpoint on a volume that does not answer now
    folder.write(of(training, 1))
    monkeypatch.setattr(Store, "read", refuse)
    # Then the attempt does not begin anew, but fails, and may be tried again
    with pytest.raises(StoreError, match="cannot"):
        found(training)


def test_all_checkpoints_of_a_job_are_removed_and_nothing_else(
    training: Job, folder: CheckpointFolder
) -> None:
    # Given checkpoints of two attempts, one of them before the first that counts, and half a one
    training.first_attempt = 2
    training.checkpoints(1).write(checkpoint())
    folder.write(checkpoint())
    training.store.write(f"{folder.path}/00001-00000-a.npz.0123abcd.part", b"half")
    training.folder.write(AttemptFolder.log, "done")
    # When they are removed
    remove_checkpoints(training.store, training.record)
    # Then only the artifacts are left, and no empty folder
    assert training.store.files("jobs") == ["job/attempt-3/log.txt"]
    assert not training.store.exists(folder.path)
    remove_checkpoints(training.store, training.record)


def test_a_job_that_has_ended_does_not_mind_checkpoints_that_stay(
    training: Job,
    folder: CheckpointFolder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder.write(checkpoint())
    monkeypatch.setattr(Store, "files", refuse)
    remove_checkpoints(training.store, training.record)
    assert "the checkpoints of attempt 3 stay: cannot" in caplog.text


# -- when -------------------------------------------------------------------------------------


class Clock:
    """Goes on by what a test says, and by what a write is said to take."""

    def __init__(self) -> None:
        self.now, self.write = 0.0, 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(checkpoint_writer, "time", made)
    return made


@pytest.fixture
def writer(folder: CheckpointFolder, clock: Clock) -> CheckpointWriter:
    def capture(position: Position) -> Checkpoint:
        clock.now += clock.write
        return checkpoint(position.epoch, position.batch)

    return CheckpointWriter(folder, capture, Position())


def test_epochs_of_a_moment_do_not_each_write_one(
    writer: CheckpointWriter, folder: CheckpointFolder, clock: Clock
) -> None:
    for epoch in range(1, 10):
        clock.now += 0.25
        writer.epoch_ended(Position(epoch))
    assert list(folder.positions().values()) == [Position(8), Position(4)]


def test_long_epochs_write_every_five_minutes(
    writer: CheckpointWriter, folder: CheckpointFolder, clock: Clock
) -> None:
    for batch in range(1, 13):
        clock.now += 60
        writer.batch_ended(Position(0, batch))
    assert list(folder.positions().values()) == [Position(0, 10), Position(0, 5)]


def test_writing_takes_a_tenth_of_the_time_at_most(
    writer: CheckpointWriter, folder: CheckpointFolder, clock: Clock
) -> None:
    # Given a volume to which one checkpoint takes 10 s, and epochs of 30 s
    clock.write = 10
    for epoch in range(1, 8):
        clock.now += 30
        writer.epoch_ended(Position(epoch))
    assert list(folder.positions().values()) == [Position(7), Position(4)]


def test_on_leaving_one_is_written_unless_it_is_there(
    writer: CheckpointWriter, folder: CheckpointFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where the training has begun there is nothing to save, else each place is saved once
    writer.leave(Position())
    assert folder.positions() == {}
    writer.leave(Position(0, 15))
    assert list(folder.positions().values()) == [Position(0, 15)]
    monkeypatch.setattr(CheckpointFolder, "write", refuse)
    writer.leave(Position(0, 15))


# -- the model --------------------------------------------------------------------------------


def state(units: int = 4, optimizer: str = "adam", metric: str = "accuracy") -> TrainingState:
    keras.utils.clear_session(free_memory=False)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dense(units)], name="mlp"
    )
    model.compile(optimizer, "mse", metrics=[metric])
    stopping = keras.callbacks.EarlyStopping(restore_best_weights=True)
    stopping.on_train_begin()
    return TrainingState(model, stopping, (np.zeros((1, 3)), np.zeros((1, units))))


def test_all_variables_are_in_the_state() -> None:
    arrays = state().arrays()
    names = {group: [name.rpartition("/")[2] for name, _ in arrays[group]] for group in arrays}
    assert sorted(names["model"]) == ["bias", "kernel", "seed_generator_state"]
    assert names["optimizer"][:2] == ["iteration", "learning_rate"]
    assert len(names["optimizer"]) == 6
    assert [name.rpartition("/")[2] for name, _ in state().metrics()] == [
        *("total", "count"),
        *("total", "count"),
    ]


@pytest.mark.parametrize(
    ("changes", "group"),
    [({"units": 5}, "model"), ({"optimizer": "sgd"}, "optimizer"), ({"metric": "mae"}, "metrics")],
)
def test_the_state_of_another_model_is_refused_and_nothing_changes(
    changes: dict[str, Any], group: str
) -> None:
    # Given the state of a model, with ones everywhere
    other = state(**changes)
    arrays = {**other.arrays(), "metrics": other.metrics()}
    ones = {g: [(name, np.ones_like(a)) for name, a in named] for g, named in arrays.items()}
    # When another model is given it
    mine = state()
    before = mine.arrays()
    with pytest.raises(DoesNotFit, match=f"^{group}: it has"):
        mine.restore(ones)
    # Then it says where they differ, and stays as it was
    for name, named in mine.arrays().items():
        for (_, one), (_, same) in zip(named, before[name], strict=True):
            np.testing.assert_array_equal(one, same)


def test_best_weights_of_another_model_are_refused() -> None:
    mine = state()
    with pytest.raises(DoesNotFit, match="best: it has"):
        mine.restore({**mine.arrays(), "best": [("", np.zeros(2, np.float32))]})
