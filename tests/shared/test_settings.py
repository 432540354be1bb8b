from __future__ import annotations

import json
from pathlib import Path

import pytest

from fitq_shared.errors import InvalidInput, QueueUnreachable, StackError
from fitq_shared.redis_url import RedisUrl
from fitq_shared.settings import Settings, hide_password

STACK = {
    "redis_url": "redis://127.0.0.1:7001/0",
    "store": "/stack/volume",
    "flower_url": "http://127.0.0.1:5555",
}


def write_stack(folder: Path, **values: str) -> None:
    (folder / ".fitq").mkdir(parents=True)
    (folder / ".fitq/stack.json").write_text(json.dumps({**STACK, **values}))


def test_a_local_stack_says_where_everything_is(tmp_path):
    # Given a folder with a stack, and nothing in the environment
    write_stack(tmp_path)

    # When I load the settings in it
    settings = Settings.load({}, tmp_path)

    # Then they are the stack's
    assert settings.redis_url == "redis://127.0.0.1:7001/0"
    assert settings.store_url == "/stack/volume"
    assert settings.flower_url == "http://127.0.0.1:5555"
    assert settings.lease_seconds == 15.0


def test_the_environment_goes_before_the_stack(tmp_path):
    # Given a stack, and variables that say otherwise
    write_stack(tmp_path)
    environ = {
        "FITQ_REDIS_URL": "redis://elsewhere:6379/1",
        "FITQ_STORE": "s3://bucket/fitq",
        "FITQ_OWNER": "ann",
        "FITQ_LEASE_SECONDS": "2.5",
    }

    # When I load the settings
    settings = Settings.load(environ, tmp_path)

    # Then the variables win
    assert settings.redis_url == "redis://elsewhere:6379/1"
    assert settings.store_url == "s3://bucket/fitq"
    assert settings.owner == "ann"
    assert settings.lease_seconds == 2.5


def test_what_the_environment_leaves_out_comes_from_the_stack(tmp_path):
    write_stack(tmp_path)
    settings = Settings.load({"FITQ_REDIS_URL": "redis://elsewhere", "FITQ_STORE": ""}, tmp_path)
    assert settings.redis_url == "redis://elsewhere"
    assert settings.store_url == "/stack/volume"


def test_the_nearest_stack_above_is_taken(tmp_path):
    # Given a stack in a folder, another in a folder within it, and a folder without one below
    write_stack(tmp_path)
    write_stack(tmp_path / "inner", redis_url="redis://inner")
    below = tmp_path / "inner/a/b"
    below.mkdir(parents=True)

    # When I load the settings at each place
    # Then each has the nearest
    assert Settings.load({}, below).redis_url == "redis://inner"
    assert Settings.load({}, tmp_path).redis_url == STACK["redis_url"]


def test_by_default_this_process_and_this_folder_are_asked(tmp_path, monkeypatch):
    for name in ("FITQ_REDIS_URL", "FITQ_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FITQ_OWNER", "bob")
    write_stack(tmp_path)
    monkeypatch.chdir(tmp_path)
    settings = Settings.load()
    assert settings.redis_url == STACK["redis_url"]
    assert settings.owner == "bob"


def test_without_any_word_of_redis_i_am_told_how_to_get_one(tmp_path):
    with pytest.raises(QueueUnreachable) as caught:
        Settings.load({}, tmp_path)
    assert caught.value.exit_code == 3
    assert "FITQ_REDIS_URL" in caught.value.message
    assert "fitq up" in caught.value.hint


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan", "inf", "1e999"])
def test_a_lease_time_that_makes_no_sense_is_refused(tmp_path, text):
    environ = {"FITQ_REDIS_URL": "redis://h", "FITQ_LEASE_SECONDS": text}
    with pytest.raises(InvalidInput) as caught:
        Settings.load(environ, tmp_path)
    assert caught.value.message == (
        f"FITQ_LEASE_SECONDS = {text!r}: expected a number of seconds of at least 1"
    )


@pytest.mark.parametrize(
    ("url", "with_password"),
    [
        ("redis://redis:6379/0", "redis://:p%2Fw%40%3A%20d@redis:6379/0"),
        (
            "rediss://worker@h/1?ssl_cert_reqs=none",
            "rediss://worker:p%2Fw%40%3A%20d@h/1?ssl_cert_reqs=none",
        ),
        (
            "sentinel://a:1,b:2/0?master_name=m",
            "sentinel://:p%2Fw%40%3A%20d@a:1,b:2/0?master_name=m",
        ),
    ],
)
def test_the_password_of_redis_may_lie_in_a_file(tmp_path, url, with_password):
    # Given a password in a file, as a container's secret, and a URL without one
    (tmp_path / "secret").write_text("p/w@: d\n")
    environ = {"FITQ_REDIS_URL": url, "FITQ_REDIS_PASSWORD_FILE": str(tmp_path / "secret")}
    # When I load the settings
    settings = Settings.load(environ, tmp_path)
    # Then the password is part of the URL, and not shown
    assert settings.redis_url == with_password
    assert RedisUrl.parse(settings.redis_url).login["password"] == "p/w@: d"
    assert "p%2Fw" not in settings.shown_redis_url


@pytest.mark.parametrize(
    ("url", "content", "expected"),
    [
        ("redis://h", None, "a file that can be read (No such file or directory)"),
        ("redis://h", b" \n", "a file that holds a password; it is empty"),
        ("redis://h", b"\xff", "a file that can be read ('utf-8' codec"),
        ("redis://:one@h", b"two", "no file, since redis://:***@h has a password already"),
    ],
)
def test_a_password_file_that_will_not_do_is_named(tmp_path, url, content, expected):
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    environ = {"FITQ_REDIS_URL": url, "FITQ_REDIS_PASSWORD_FILE": str(file)}
    with pytest.raises(InvalidInput) as caught:
        Settings.load(environ, tmp_path)
    assert "FITQ_REDIS_PASSWORD_FILE" in caught.value.message
    assert expected in caught.value.message


def test_the_password_of_a_store_is_not_shown():
    settings = Settings("redis://h", store_url="webdav+https://ann:secret@host/volume")
    assert settings.shown_store_url == "webdav+https://ann:***@host/volume"


def test_what_needs_no_queue_needs_no_variables():
    settings = Settings.without_queue({"FITQ_OWNER": "ann"})
    assert settings.owner == "ann"
    assert Settings.without_queue({}).owner


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:secret@host:6379/0", "redis://:***@host:6379/0"),
        ("rediss://ann:secret@host/0", "rediss://ann:***@host/0"),
        ("redis://:s%40c:r@t@host/0", "redis://:***@host/0"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://[broken:secret@host", "redis://[broken:***@host"),
        ("redis://:ab/cd#secret?@host:6379/0", "redis://:***@host:6379/0"),
        (
            "sentinel://:secret@h1:1,h2:2/0?master_name=m&sentinel_password=hidden",
            "sentinel://:***@h1:1,h2:2/0?master_name=m&sentinel_password=***",
        ),
        ("redis://host/0?password=secret&x=1", "redis://host/0?password=***&x=1"),
    ],
)
def test_a_password_is_never_shown(url, shown):
    assert hide_password(url) == shown
    assert Settings(redis_url=url).shown_redis_url == shown


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", "7"])
def test_a_damaged_stack_file_is_reported(tmp_path, content):
    # Given a stack.json that something has damaged
    (tmp_path / ".fitq").mkdir()
    (tmp_path / ".fitq" / "stack.json").write_text(content)
    # When the settings are read, then the message names the file and says what to do
    with pytest.raises(StackError) as caught:
        Settings.load({}, tmp_path)
    assert "stack.json cannot be read" in caught.value.message
    assert "fitq up" in caught.value.hint
