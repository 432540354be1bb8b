from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fitq_shared.catalogue import DatasetFacts
from fitq_worker.datasets.dataset import check
from fitq_worker.datasets.sources.debian_package import DebianPackage
from fitq_worker.datasets.sources.source import SourceUnavailable

PACKAGE = DebianPackage("made-up", folder="usr/share/made-up")
EMPTY_LISTS = "E: Unable to locate package made-up"


@pytest.fixture
def debian(
    program: Callable[[str, str], None], write_idx: Callable[..., None], tmp_path: Path
) -> Path:
    """An apt-get that knows the package once its lists are there, and a dpkg for it.

    Returns:
        The file that stands for apt's lists.
    """
    lists = tmp_path / "lists"
    write_idx(tmp_path / "content" / "usr" / "share" / "made-up", packed=True)
    program(
        "apt-get",
        f'echo "$*" >> {tmp_path}/calls\n'
        f'case "$*" in *update) touch {lists}; exit 0;; esac\n'
        f"if [ -e {lists} ]; then touch made-up_1_all.deb; exit 0; fi\n"
        f"echo '{EMPTY_LISTS}' >&2; exit 100",
    )
    program("dpkg", f'test -e "$2" && cp -r {tmp_path}/content "$3"')
    return lists


def calls(tmp_path: Path) -> list[str]:
    return [line.split()[-1] for line in (tmp_path / "calls").read_text().splitlines()]


def test_the_package_is_downloaded_and_unpacked(
    facts: DatasetFacts, debian: Path, tmp_path: Path
) -> None:
    debian.touch()
    check(facts, PACKAGE.fetch(facts))
    assert calls(tmp_path) == ["made-up"]


def test_root_fetches_empty_lists_once(
    facts: DatasetFacts, debian: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    check(facts, PACKAGE.fetch(facts))
    assert calls(tmp_path) == ["made-up", "update", "made-up"]


def test_other_users_are_told_of_empty_lists(
    facts: DatasetFacts, debian: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    with pytest.raises(SourceUnavailable, match=rf"{EMPTY_LISTS} \(its lists may be empty"):
        PACKAGE.fetch(facts)
    assert calls(tmp_path) == ["made-up"]


def test_a_machine_without_apt_says_so(
    facts: DatasetFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceUnavailable, match="apt-get is not installed"):
        PACKAGE.fetch(facts)
