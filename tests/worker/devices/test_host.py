from __future__ import annotations

import socket
from pathlib import Path

import pytest

from fitq_shared.settings import Settings
from fitq_worker.devices import host
from fitq_worker.devices.host import host_id, host_name

PLAIN = Settings(redis_url="redis://h/0")
NAMED = Settings(redis_url="redis://h/0", host="node-1")


def test_containers_of_one_kernel_are_one_host(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given two containers, which have different names
    names = []
    for name in ("3f2a91c8", "77b0c1d2"):
        monkeypatch.setattr(socket, "gethostname", lambda name=name: name)
        names.append(host_name(PLAIN))
        # Then both call their host by what its kernel has drawn when it started
        assert host_id(PLAIN) == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert names == ["3f2a91c8", "77b0c1d2"]


def test_a_name_that_was_given_is_both() -> None:
    assert host_id(NAMED) == host_name(NAMED) == "node-1"


def test_where_the_kernel_says_nothing_the_name_must_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(host, "BOOT_ID", tmp_path / "nothing")
    assert host_id(PLAIN) == socket.gethostname()
