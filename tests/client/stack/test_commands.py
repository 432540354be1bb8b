from __future__ import annotations

import json

import pytest

from fitq.cli import run
from fitq.stack import local_stack

pytestmark = pytest.mark.services


@pytest.fixture
def here(project, monkeypatch, stand_in, tmp_path):
    """The current folder, where `fitq-worker` is the stand-in; no stack is left in it."""
    program = tmp_path / "fitq-worker"
    program.write_text("#!/bin/sh\nexec " + " ".join(f"'{part}'" for part in stand_in) + ' "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(local_stack, "find_worker_program", lambda: str(program))
    monkeypatch.chdir(project)
    for name in ("FITQ_REDIS_URL", "FITQ_STORE"):
        monkeypatch.delenv(name, raising=False)
    yield project
    local_stack.LocalStack(project).down()


def test_up_and_down(here, capsys, monkeypatch):
    # Given a folder without a stack
    # When I start one
    code = run(["up", "--workers", "1"])

    # Then I read where everything is, how to log in, and what to do next
    shown = capsys.readouterr().out
    flower = json.loads((here / ".fitq/secrets.json").read_text())["flower"]
    assert code == 0
    assert "The stack is up." in shown
    assert "redis://:***@127.0.0.1:" in shown
    assert f"fitq / {flower}" in shown
    assert "fitq train" in shown
    assert "fitq down" in shown

    # And started again, that it was up
    assert run(["up", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["started"] is False
    assert found["store"] == str(here / ".fitq/volume")

    # And it stops from a folder below, too
    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")
    assert run(["down"]) == 0
    assert "The stack is down." in capsys.readouterr().out
    assert run(["down"]) == 0
    assert "No stack was up here." in capsys.readouterr().out


def test_up_without_flower(here, capsys):
    assert run(["up", "--workers", "0", "--no-flower"]) == 0
    shown = capsys.readouterr().out
    assert "not started (--no-flower)" in shown
    assert "login" not in shown


def test_an_environment_that_overrides_the_stack_is_mentioned(here, capsys, monkeypatch):
    monkeypatch.setenv("FITQ_REDIS_URL", "redis://elsewhere")
    assert run(["up", "--workers", "0", "--no-flower"]) == 0
    assert "FITQ_REDIS_URL is set" in capsys.readouterr().err


def test_too_many_workers_is_wrong_use(here, capsys):
    assert run(["up", "--workers", "100000"]) == 2
    assert "at most one for each CPU core" in capsys.readouterr().err
    assert not (here / ".fitq").exists()
