from __future__ import annotations

import stat

import pytest

from fitq.stack.folder import StackFolder, read_json, write_private
from fitq.stack.log_tail import last_lines
from fitq.stack.passwords import Passwords
from fitq.stack.ports import choose_ports
from fitq.stack.program import Program
from fitq.stack.supervision import Supervisor, configuration, make_socket_path


def test_ports_are_different_and_remembered(tmp_path):
    # Given ports that were chosen once
    file = tmp_path / "ports.json"
    first = choose_ports(file, "redis", "flower")

    # When they are chosen again
    second = choose_ports(file, "redis", "flower")

    # Then they are the same, and not the same port twice
    assert second == first
    assert len(set(first.values())) == 2


@pytest.mark.parametrize("content", ["", "{", '{"redis": "x"}', '{"redis": 99999}', "[1]"])
def test_a_broken_ports_file_is_replaced(tmp_path, content):
    file = tmp_path / "ports.json"
    file.write_text(content)
    chosen = choose_ports(file, "redis")
    assert 0 < chosen["redis"] < 65536
    assert read_json(file) == chosen


def test_passwords_stay_and_are_private(tmp_path):
    file = tmp_path / "secrets.json"
    first = Passwords.of(file)
    assert Passwords.of(file) == first
    assert first.redis != first.flower
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_private_file_replaces_an_open_one(tmp_path):
    file = tmp_path / "file"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "new")
    assert file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_the_end_of_a_log(tmp_path):
    file = tmp_path / "log"
    file.write_text("old\n" + "".join(f"line {number}\n\n" for number in range(30)))
    assert last_lines(file, count=2) == ["line 28", "line 29"]
    assert last_lines(file, since=4, count=99)[0] == "line 0"
    assert last_lines(file, since=10_000, count=99)[0] == "old"
    assert last_lines(tmp_path / "none") == []


def test_the_socket_has_a_short_path_in_a_private_folder(tmp_path, monkeypatch):
    # Given a folder for temporary files with a path too long for a socket
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))

    # When a path for the socket is made
    socket = make_socket_path()

    # Then it is short, and in a folder of its own
    assert len(str(socket)) < 90
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    socket.parent.rmdir()


def test_a_value_that_supervisor_cannot_quote_is_refused(tmp_path):
    folder = StackFolder(tmp_path)
    program = Program(
        name="one",
        command=("one",),
        folder=folder.logs,
        stop_order=1,
        stop_seconds=1,
        environment={"NAME": 'a"b'},
    )
    with pytest.raises(ValueError, match="NAME"):
        configuration(folder, [program])


def test_a_supervisor_that_is_not_there(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        Supervisor(tmp_path / "none").states()
