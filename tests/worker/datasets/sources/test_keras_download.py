from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from fitq_shared.catalogue import DatasetFacts
from fitq_worker.datasets.dataset import Arrays, check
from fitq_worker.datasets.sources.keras_download import KerasDownload
from fitq_worker.datasets.sources.source import SourceUnavailable

TARGET = "datasets/made-up.npz"


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch, keras_home: Path) -> Callable[..., None]:
    """Put a module in the place of `keras.datasets.made_up`."""

    def put(load_data: Callable[[], object]) -> None:
        module = SimpleNamespace(load_data=load_data)
        monkeypatch.setitem(sys.modules, "made_up_keras", module)  # type: ignore[arg-type]

    return put


def pairs(arrays: Arrays) -> object:
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def test_what_keras_loads_is_given(facts: DatasetFacts, arrays: Arrays, loader) -> None:
    # Given a Keras that has the data set, and notes the default timeout of sockets
    timeouts = []

    def load_data() -> object:
        timeouts.append(socket.getdefaulttimeout())
        return pairs(arrays)

    loader(load_data)
    before = socket.getdefaulttimeout()

    # When it is fetched
    found = KerasDownload("made_up_keras", TARGET, connect_seconds=60).fetch(facts)

    # Then the arrays are right, and the timeout was set meanwhile only
    check(facts, found)
    assert timeouts == [60]
    assert socket.getdefaulttimeout() == before


def test_a_network_that_refuses_is_told_in_keras_words(facts: DatasetFacts, loader) -> None:
    def load_data() -> object:
        raise Exception("URL fetch failure: None -- Connection refused")  # noqa: TRY002

    loader(load_data)
    with pytest.raises(SourceUnavailable, match="URL fetch failure"):
        KerasDownload("made_up_keras", TARGET, connect_seconds=60).fetch(facts)


def test_a_network_that_swallows_packets_is_given_up(facts: DatasetFacts, loader) -> None:
    # Given a Keras that connects for ever
    never = threading.Event()
    loader(never.wait)
    before = socket.getdefaulttimeout()

    # When it is fetched, then it is given up, and the timeout is as before
    try:
        with pytest.raises(SourceUnavailable, match=r"no connection within 0\.01 s"):
            KerasDownload("made_up_keras", TARGET, connect_seconds=0.01).fetch(facts)
        assert socket.getdefaulttimeout() == before
    finally:
        never.set()


def test_an_old_file_at_the_target_is_no_sign_of_a_connection(
    facts: DatasetFacts, loader, keras_home: Path
) -> None:
    (keras_home / TARGET).write_bytes(b"left by an earlier download")
    never = threading.Event()
    loader(never.wait)
    try:
        with pytest.raises(SourceUnavailable, match="no connection"):
            KerasDownload("made_up_keras", TARGET, connect_seconds=0.01).fetch(facts)
    finally:
        never.set()


@pytest.mark.parametrize("target", [TARGET, "datasets/made-up/part.gz"])
def test_a_download_that_has_begun_may_take_longer(
    facts: DatasetFacts, arrays: Arrays, loader, keras_home: Path, target: str, monkeypatch
) -> None:
    # Given a Keras that has begun to write when the time to connect is over
    (keras_home / target).parent.mkdir(exist_ok=True)
    go_on = threading.Event()

    def load_data() -> object:
        go_on.wait()
        return pairs(arrays)

    loader(load_data)
    place = target if target == TARGET else "datasets/made-up"
    download = KerasDownload("made_up_keras", place, connect_seconds=0.0)
    states = iter([False, True])
    real_state = KerasDownload._state

    def state(self: KerasDownload):
        if next(states):  # the second look comes when the time to connect is over
            (keras_home / target).write_bytes(b"begun")
            go_on.set()
        return real_state(self)

    monkeypatch.setattr(KerasDownload, "_state", state)

    # When it is fetched, then it is waited for
    check(facts, download.fetch(facts))


def test_a_download_that_never_ends_is_given_up(
    facts: DatasetFacts, loader, keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    loader(never.wait)
    states = iter([{}, {Path("begun"): (1, 1)}])
    monkeypatch.setattr(KerasDownload, "_state", lambda self: next(states))
    download = KerasDownload("made_up_keras", TARGET, connect_seconds=0.01, total_seconds=0.02)
    try:
        with pytest.raises(SourceUnavailable, match=r"not done within 0\.02 s"):
            download.fetch(facts)
    finally:
        never.set()


def test_without_keras_it_is_unavailable(facts: DatasetFacts) -> None:
    with pytest.raises(SourceUnavailable, match="cannot import no_such_keras"):
        KerasDownload("no_such_keras.datasets", TARGET).fetch(facts)
