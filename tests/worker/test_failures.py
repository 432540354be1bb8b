from __future__ import annotations

import errno

import keras
import pytest
import tensorflow as tf

from fitq_shared.errors import (
    BadJob,
    FitqError,
    InvalidInput,
    JobError,
    Mistake,
    StoreError,
)
from fitq_shared.record import Reason
from fitq_worker.failures import STORAGE_FAULTS, explain, may_pass


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadJob("the images do not fit", "choose others"), "bad-job"),
        (JobError("no source has it", "put it there"), "error"),
        (StoreError("cannot read it", "mount it"), "store"),
        (FitqError("something else", "ask"), "error"),
    ],
)
def test_our_own_errors_keep_message_and_hint(error: FitqError, kind: str) -> None:
    reason = explain(error)
    assert (reason.kind, reason.message, reason.hint) == (kind, error.message, error.hint)


def test_wrong_input_found_on_the_worker_is_the_job_s_mistake() -> None:
    # Given two mistakes that only the worker could find
    error = InvalidInput([Mistake("--array", "y", "one of x"), Mistake("input", "f", "numbers")])
    # Then the reason names both, and running the job again will not help
    reason = explain(error)
    assert reason.kind == "bad-job"
    assert "--array = 'y': expected one of x" in reason.message
    assert "input = 'f': expected numbers" in reason.message


def out_of_memory(text: str) -> Exception:
    return tf.errors.ResourceExhaustedError(None, None, text)


@pytest.mark.parametrize(
    "error", [MemoryError(), MemoryError("cannot allocate"), out_of_memory("OOM: shape[9,9]")]
)
def test_memory_of_the_host(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a host without a GPU
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [])
    # Then the reason says whose memory it was, what the error says, and what to do
    reason = explain(error)
    assert reason.kind == "out-of-memory"
    assert reason.message.startswith("the host's memory is not enough for this job: ")
    assert (str(error) or "MemoryError") in reason.message
    assert "smaller batch (--batch-size)" in reason.hint


def test_memory_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a worker on a GPU, on which TensorFlow can allocate no more
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: ["GPU:0"])
    reason = explain(out_of_memory("OOM when allocating tensor with shape[9,9]"))
    # Then it is the device's memory; but what Python cannot allocate is the host's
    assert reason.kind == "out-of-memory"
    assert reason.message.startswith("the device's memory is not enough")
    assert "shape[9,9]" in reason.message
    assert explain(MemoryError()).message.startswith("the host's memory")


def test_tensorflow_s_long_words_are_cut() -> None:
    # Given an error of many lines
    reason = explain(out_of_memory("first line " + "x" * 1000 + "\nsecond line\nthird"))
    # Then only the beginning of the first is kept
    assert "first line" in reason.message
    assert "second line" not in reason.message
    assert len(reason.message) < 400


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_volume_that_is_full_or_read_only(number: int) -> None:
    reason = explain(OSError(number, "no good", "/volume/model.keras"))
    assert reason.kind == "store"
    assert reason.message.startswith("the volume cannot be used")
    assert "/volume/model.keras" in reason.message
    assert reason.hint


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("odd shapes"), "ValueError: odd shapes"),
        (OSError(errno.ENOENT, "not there"), "FileNotFoundError: [Errno 2] not there"),
        (tf.errors.InvalidArgumentError(None, None, "bad graph"), "InvalidArgumentError: "),
    ],
)
def test_unforeseen_errors_keep_their_own_words(error: Exception, text: str) -> None:
    reason = explain(error)
    assert reason.kind == "error"
    assert reason.message.startswith(text)
    assert "fitq logs" in reason.hint


def test_of_many_words_the_ones_that_say_what_went_wrong_are_kept() -> None:
    # Given an error within a compiled graph, which TensorFlow puts after a trace of the places
    @tf.function
    def look_up(x: tf.Tensor) -> tf.Tensor:
        return keras.losses.sparse_categorical_crossentropy(x, tf.ones((2, 3)) / 3)

    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        look_up(tf.constant([9, 9]))
    assert str(caught.value).startswith("Graph execution error")
    # Then the reason has the line that matters
    reason = explain(caught.value)
    assert reason.message.startswith("InvalidArgumentError: Received a label value of 9")
    assert "node" not in reason.message


@pytest.mark.parametrize("kind", [ValueError, OSError])
def test_no_reason_is_long_or_obeyed_by_a_terminal(kind: type[Exception]) -> None:
    reason = explain(kind("\x1b[2Jodd\u202e " + "x" * 1000 + "\n" * 9 + "errno = 28,"))
    assert "\\x1b[2Jodd\\u202e" in reason.message
    assert reason.message.isprintable()
    assert len(reason.message) < 400


@pytest.mark.parametrize("number", STORAGE_FAULTS)
def test_a_fault_of_the_storage_may_pass(number: int) -> None:
    assert may_pass(OSError(number, "no good"))
    # HDF5 says the number in words of its own, in errors of several classes
    said = f"Unable to synchronously write (errno = {number}, error message = 'no good')"
    for error in (OSError(said), RuntimeError(said)):
        assert may_pass(error)
        assert explain(error).kind == "store"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOENT, "not there"),
        OSError(errno.EACCES, "not ours"),
        OSError("Unable to open file (errno = 2, error message = 'No such file or directory')"),
        ValueError("odd shapes"),
        MemoryError(),
        BadJob("the loss is not finite (errno = 28, it says)"),
        StoreError("the manifest is not the one that was published"),
    ],
)
def test_what_the_job_brings_about_itself_does_not_pass(error: Exception) -> None:
    assert not may_pass(error)


def test_the_store_says_itself_whether_it_may_pass() -> None:
    error = StoreError("cannot write it", "make room", passing=True)
    assert may_pass(error)
    assert explain(error) == Reason("store", "cannot write it", "make room")
