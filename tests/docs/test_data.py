"""The page on data of one's own: its commands run, and print what it shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from fitq.cli import run

PAGE = Path(__file__).parents[2] / "docs/data.md"


def commands() -> Iterator[tuple[str, list[str]]]:
    """Each command of the page, and the lines that it prints there."""
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL):
        for part in block.split("$ fitq ")[1:]:
            line, *printed = part.splitlines()
            yield line, printed


def alike(line: str) -> str:
    """A line without what differs from run to run, and without spaces at its end."""
    return re.sub(r"\b\d+ (s|min) ago *", "… ago ", line).rstrip()


@pytest.mark.services
def test_the_commands_print_what_the_page_shows(
    settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # Given the page's table, an empty store, and its owner
    table = re.search(r"```csv\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert table is not None
    (tmp_path / "houses.csv").write_text(table[1])
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "FITQ_REDIS_URL": settings.redis_url,
        "FITQ_STORE": settings.store_url,
        "FITQ_OWNER": "ann",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    ran = 0
    for line, printed in commands():
        # When its commands are typed in their order
        capfd.readouterr()
        run(shlex.split(line))
        out, err = capfd.readouterr()
        # Then they print what the page shows
        assert [*map(alike, (out + err).splitlines())] == [*map(alike, printed)], line
        ran += 1
    assert ran >= 7
