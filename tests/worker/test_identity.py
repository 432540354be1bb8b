from __future__ import annotations

import os

import pytest

from fitq_worker import __version__
from fitq_worker.identity import VARIABLE, Identity


def test_it_is_handed_on_through_the_environment(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given the environment of the process that follows
    for name, value in identity.to_environment().items():
        monkeypatch.setenv(name, value)
    # Then that process knows itself
    assert Identity.from_environment() == identity


def test_without_it_a_worker_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(RuntimeError, match="start workers with `fitq-worker`"):
        Identity.from_environment()


def test_what_it_announces_of_itself(identity: Identity) -> None:
    info = identity.info("waiting", 12.5)
    assert (info.token, info.name, info.host) == ("a1b2", "cpu0-1@here", "here")
    assert (info.device, info.device_name) == ("cpu", "CPU, 2 cores (0-1)")
    assert (info.state, info.since) == ("waiting", 12.5)
    assert (info.pid, info.version) == (os.getpid(), __version__)
