"""What the pages say is so: links lead somewhere, commands run, files are the ones there are."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from fitq.cli import COMMANDS
from fitq_shared.attempt_folder import MANIFEST, AttemptFolder
from fitq_shared.specs.models import MODELS
from fitq_shared.specs.splits import SplitBy
from fitq_shared.specs.steps import STEPS
from fitq_shared.specs.train import TrainJob

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
FITQ = Path(sys.executable).parent / "fitq"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text())
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


def test_the_job_file_of_the_page_is_the_example() -> None:
    block = re.search(r"```toml\n(.*?)```", (ROOT / "docs/commands.md").read_text(), re.DOTALL)
    assert block is not None
    example = (ROOT / "examples/jobs/fashion.toml").read_text()
    assert tomllib.loads(block[1]) == tomllib.loads(example)


def test_the_chain_of_the_page_is_the_example() -> None:
    block = re.search(r"```toml\n(.*?)```", (ROOT / "docs/chains.md").read_text(), re.DOTALL)
    assert block is not None
    example = (ROOT / "examples/chain/chain.toml").read_text()
    assert tomllib.loads(block[1]) == tomllib.loads(example)


def test_every_artifact_is_explained() -> None:
    page = (ROOT / "docs/artifacts.md").read_text()
    names = {name: value for name, value in vars(AttemptFolder).items() if isinstance(value, str)}
    artifacts = [value for name, value in names.items() if not name.startswith("__")] + [MANIFEST]
    missing = [name for name in artifacts if f"`{name}`" not in page]
    assert len(artifacts) > 15
    assert missing == []


def test_every_command_and_model_is_explained() -> None:
    page = (ROOT / "docs/commands.md").read_text()
    assert [command for command in COMMANDS if f"fitq {command}" not in page] == []
    for name, model in MODELS.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
        assert [o for o in model.model_fields if o != "type" and f"`{o}`" not in row] == []


def test_every_step_and_split_is_explained() -> None:
    page = (ROOT / "docs/preprocessing.md").read_text()
    for name, step in STEPS.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
        assert [o for o in step.model_fields if o != "type" and f"`{o}`" not in row] in (
            [],
            ["categories", "range", "most"] if name == "index" else [],
        )
    ways = get_args(SplitBy)
    assert [way for way in ways if f"| `{way}`" not in page] == []
    # And the job file of the page is one
    block = re.search(r"```\n(\[preprocessing\].*?)```", page, re.DOTALL)
    assert block is not None
    values = {"name": "a", "owner": "b", "dataset": "mnist", "model": "mlp"}
    assert len(TrainJob.parse({**values, **tomllib.loads(block[1])}).preprocessing) == 4


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    fitq("down", tmp_path)


def fitq(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FITQ_")}
    command = [str(FITQ), *shlex.split(line)]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_session_of_the_page_on_models_runs(project: Path) -> None:
    # Given the commands of the page's blocks, in their order
    page = (ROOT / "docs/models.md").read_text()
    blocks = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    session = re.findall(r"^\$ fitq (.*)$", "".join(blocks), re.MULTILINE)
    assert len(session) >= 12
    for line in session:
        # When they are typed in an empty folder
        done = fitq(line, project)
        # Then each succeeds
        assert done.returncode == 0, f"fitq {line}\n{done.stdout}\n{done.stderr}"
    # And what was exported is there
    assert (project / "digits-saved" / "saved_model.pb").exists()
    assert (project / "digits-onnx" / "model.onnx").exists()


def test_the_first_session_of_the_readme_runs(project: Path) -> None:
    # Given the commands of the README's session, in their order
    session = re.findall(r"^\$ fitq (.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(session) >= 6
    # When they are typed in an empty folder
    for line in session:
        done = fitq(line, project)
        # Then each succeeds
        assert done.returncode == 0, f"fitq {line}\n{done.stdout}\n{done.stderr}"
    # And the last one has stopped the stack
    assert not (project / ".fitq" / "stack.json").exists()
