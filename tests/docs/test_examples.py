"""The README's table of examples, against the folders of examples/ and their tests."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/example.toml"))


def test_each_example_has_its_line_with_its_command() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    commands = [re.match(r"\| `\.venv/bin/python examples/run\.py (\w+)` \|", x) for x in lines]
    assert sorted(found[1] for found in commands if found) == EXAMPLES
    assert len(EXAMPLES) > 10


def test_each_line_says_what_it_shows_and_what_came_out() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    rows = [line for line in lines if "examples/run.py " in line and line.startswith("|")]
    for row in rows:
        _, _, shows, outcome, _ = row.split("|")
        assert shows.strip()
        assert re.search(r"\d", outcome), row


def test_each_example_has_a_test_named_after_it() -> None:
    for name in EXAMPLES:
        text = (ROOT / f"tests/examples/test_{name}.py").read_text()
        assert f"def test_{name}(" in text
