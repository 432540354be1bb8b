"""Whatever a user types or hands over: exit 2, short lines, and no traceback."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.attempts import Attempts
from fitq_shared.events import publish
from fitq_shared.record import Reason
from fitq_shared.record_keys import JOBS, job_key
from fitq_shared.workers import WorkerInfo, announce
from support.hostile_files import HOSTILE_ARRAYS, MODELS_REFUSED_EVERYWHERE, Hostile, weights
from support.waiting import wait_until

pytestmark = pytest.mark.services

TRAIN = ("train", "--dataset", "mnist", "--model", "mlp", "--no-wait")
HOSTILE_TEXTS = {
    "parent folder": "../../etc/passwd",
    "line break": "a\nb",
    "terminal escape": "\x1b[2J\x1b]0;owned\x07",
    "turned writing": "a\u202eb",
    "half a pair": "a\udc80b",
    "ten thousand letters": "a" * 10_000,
}
hostile_texts = pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)


@pytest.fixture
def refused(fitq, queue, records, store):
    """Run `fitq`, which must refuse in words that can be printed, and leave nothing behind."""

    def run(*arguments, jobs=0):
        ran = fitq(*arguments)
        assert ran.code == 2, ran
        assert ran.out == ""
        assert "Traceback" not in ran.err
        assert "a" * 61 not in ran.err
        for line in ran.err.splitlines():
            assert line.isprintable(), line
            assert len(line) < 500, line  # the names of all losses are 400 letters
        assert len(list(records.all())) == jobs
        assert store.files("inputs") == []
        return ran.err

    return run


@hostile_texts
@pytest.mark.parametrize(
    "flag", ["--name", "--tag", "--dataset", "--loss", "--device", "--monitor"]
)
def test_text_in_a_flag(refused, flag, text):
    where = {"--tag": "tags[0]", "--monitor": "early_stopping.monitor"}.get(flag, flag[2:])
    assert f"{where} = " in refused(*TRAIN, flag, text)


@hostile_texts
def test_text_in_an_option_of_the_model(refused, text):
    assert "model.units" in refused(*TRAIN, "--option", f"units={text}")
    refused(*TRAIN, "--option", f"{text}=1")


@hostile_texts
@pytest.mark.parametrize(
    "command",
    [
        ("add", "{}", "houses.csv"),
        ("add", "houses", "{}"),
        ("add", "houses", "{}.py:make"),
        ("add", "houses", "houses.csv", "--test", "{}"),
        ("add", "houses", "houses.csv", "--target", "{}"),
        ("add", "houses", "houses.csv", "--type", "{}"),
        ("add", "houses", "houses.csv", "--type", "{}=number"),
        ("add", "houses", "houses.csv", "--type", "a={}"),
        ("add", "houses", "houses.csv", "--separator", "{}"),
        ("show", "{}"),
        ("versions", "{}"),
        ("describe", "{}"),
        ("rm", "{}", "--yes"),
    ],
)
def test_text_in_a_command_on_data(refused, nowhere, store, command, text):
    (nowhere / "houses.csv").write_text("a,b\n1,2\n")
    refused("datasets", *(part.replace("{}", text) for part in command))
    assert store.files("") == []


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J", "a\u202eb", "a" * 10_000])
def test_text_in_a_table(refused, nowhere, text):
    table = nowhere / "houses.csv"
    table.write_text(f'"{text}",b\n1,2\n')
    refused("datasets", "add", "houses", "houses.csv")
    table.write_text(f'a,b\n1,2\n2,"{text}"\n')
    refused("datasets", "add", "houses", "houses.csv", "--type", "b=number")
    refused("datasets", "add", "houses", "houses.csv", "--target", "b", "--type", "b=category")
    table.write_text(f'a,"{text}"\n1\n')
    refused("datasets", "add", "houses", "houses.csv")


@pytest.mark.parametrize("name", ["a\nb.png", "\x1b[2J.png", "a\u202eb.png", "back\\slash.png"])
def test_the_name_of_a_file_in_a_folder(refused, nowhere, name):
    for label in ("cats", "dogs"):
        (nowhere / "pets" / label).mkdir(parents=True)
        (nowhere / "pets" / label / name).write_bytes(b"\xff\xd8\xff\xe0 a JPEG")
    refused("datasets", "add", "pets", "pets")


@hostile_texts
def test_an_owner(refused, monkeypatch, text):
    monkeypatch.setenv("FITQ_OWNER", text)
    assert "owner = " in refused(*TRAIN)


@hostile_texts
@pytest.mark.parametrize(
    "command", [("show",), ("cancel",), ("logs",), ("history",), ("predict", "--dataset", "mnist")]
)
def test_the_name_of_a_job(refused, command, text):
    assert "there is no job" in refused(command[0], text, *command[1:])


@hostile_texts
@pytest.mark.parametrize(
    "command",
    [
        ("models", "show", "{}"),
        ("models", "show", "{}@1"),
        ("models", "rm", "{}@1", "--yes"),
        ("models", "compare", "{}@1", "{}@2"),
        ("models", "promote", "{}", "production"),
        ("models", "export", "{}@production", "--format", "onnx"),
        ("reproduce", "{}"),
        ("sweep", "show", "{}"),
        ("sweep", "best", "{}"),
        ("sweep", "cancel", "{}"),
    ],
)
def test_the_name_of_a_model_or_a_sweep(refused, command, text):
    assert "there is no " in refused(*(part.replace("{}", text) for part in command))


@pytest.mark.parametrize(
    "content",
    [
        'name = "a\\nb"',
        'name = "\\u001b[2J"',
        f'name = "{"a" * 10_000}"',
        'owner = "../x"',
        'tags = ["ok", "\\u202e"]',
        f'"{"a" * 10_000}" = 1',
        '"\\u001b[2J" = 1',
        '[model]\ntype = "mlp"\n"\\u001b[2J" = 1',
        f"epochs = {'9' * 5000}",
        f"epochs = 0x{'f' * 5000}",
        f"x = {'[' * 100_000}",
        f"x = {'[' * 20}{']' * 20}",
        f"x = [{'1,' * 100_000}]",
        "a.b.c.d.e.f.g.h.i.j = 1",
        "name = '\x1b'",
        "\x00",
        'kind = "\\u001b[2J"',
        "kind = ['train']",
        "epochs = 2026-01-01",
        f'dataset = "{"a" * 10_000}"',
    ],
    ids=lambda content: repr(content[:20]),
)
def test_a_job_file(refused, nowhere, content):
    (nowhere / "job.toml").write_text(content)
    # The rest of the job is right, so that only this is refused
    right = {"dataset": "mnist", "model": "mlp"}
    flags = [(f"--{name}", value) for name, value in right.items() if name not in content]
    refused("train", "-f", "job.toml", *(part for flag in flags for part in flag), "--no-wait")


def test_a_job_file_that_is_no_text(refused, nowhere):
    (nowhere / "job.toml").write_bytes(b"\xff\xfe\x80\x04")
    assert "a job file in TOML" in refused("train", "-f", "job.toml", "--no-wait")


@pytest.mark.parametrize("hostile", HOSTILE_ARRAYS, ids=str)
def test_a_hostile_array_is_refused_before_it_is_uploaded(refused, succeeded, nowhere, hostile):
    succeeded()
    (nowhere / "mine.npz").write_bytes(hostile.content)
    error = refused("predict", "brave-otter", "--input", "mine.npz", jobs=1)
    assert hostile.words in error
    assert "mine.npz" in error


@hostile_texts
def test_the_name_of_an_array(refused, succeeded, nowhere, text):
    succeeded()
    np.savez(nowhere / "mine.npz", x=np.zeros((1, 28, 28), np.uint8))
    refused("predict", "brave-otter", "--input", "mine.npz", "--array", text, jobs=1)


@pytest.mark.parametrize("name", ["a\nb.npy", "\x1b[2J.npy", "a\u202eb.npy", "a\udc80b.npy"])
def test_the_name_of_a_file(refused, succeeded, nowhere, name):
    # Given a good array under a name that hides something
    succeeded()
    np.save(nowhere / "good.npy", np.zeros((1, 28, 28), np.uint8))
    (nowhere / "good.npy").rename(nowhere / name)
    # Then it is not taken over into the job
    assert "rows.file" in refused("predict", "brave-otter", "--input", name, jobs=1)


@pytest.mark.parametrize("name", ["model.h5", "model.keras", "model.pkl", "model.npz"])
def test_a_model_is_no_input(refused, succeeded, nowhere, name):
    succeeded()
    (nowhere / name).write_bytes(weights())
    error = refused("predict", "brave-otter", "--input", name, jobs=1)
    assert "HDF5" in error if name.endswith(".npz") else "a file named *.npy, *.npz, *.csv" in error


@pytest.mark.parametrize("hostile", MODELS_REFUSED_EVERYWHERE, ids=str)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_model_is_named_by_its_job_and_never_by_a_file(
    refused, nowhere, suffix, hostile: Hostile
):
    (nowhere / f"mine{suffix}").write_bytes(hostile.content)
    error = refused("predict", f"mine{suffix}", "--dataset", "mnist")
    assert "the name or id of a training job, and not a file" in error


FORGED = {
    "no id": {"id": ""},
    "a folder of another job": {"id": "victim/attempt-1"},
    "another id": {"id": "abcd2345"},
    "a path as its name": {"name": "/tmp/owned"},
    "the folder above as its name": {"name": ".."},
    "a list as its spec": {"spec": "[]"},
    "a deep spec": {"spec": "[" * 100_000},
    "a timeout that is no number": {"spec": '{"timeout": []}'},
    "text as a metric": {"metrics": '{"loss": "\\u001b[2J"}'},
    "a list as its reason": {"reason": '{"kind": "x", "message": ["y"]}'},
    "a number as its tag": {"tags": "[7]"},
    "an attempt that is no number": {"attempt": "two"},
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_a_forged_record_leads_nowhere(queue, fitq, succeeded, train_job, store, redis, change):
    # Given a published job, and another one, whose record somebody has changed
    succeeded(train_job(name="victim"))
    forged = succeeded(train_job(name="forged"))
    redis.hset(job_key(forged.id), mapping=change)
    before = store.files("")

    # When it is asked for
    for command, *flags in (
        *(["show"], ["watch"], ["wait"], ["logs"], ["history"], ["cancel"], ["retry"]),
        *(["pull"], ["rm", "--yes"]),
    ):
        ran = fitq(command, forged.id, *flags)
        # Then that is refused, and said
        assert ran.code == 2, ran
        assert f"the record of job '{forged.id}' cannot be read" in ran.err

    # And it neither hides another one, nor takes anything along
    assert [job["name"] for job in fitq("jobs", "--json").json] == ["victim"]
    assert fitq("gc", "--apply", "--jobs", "0", "--inputs", "0").code == 0
    assert store.files("") == before


@pytest.mark.parametrize("forged", ["", ".", "{victim}/attempt-1", "../jobs/{victim}"])
def test_a_forged_job_takes_no_folder_along(queue, fitq, succeeded, store, redis, forged):
    # Given a published job, and an ended one whose id leads into the other's folder, or above it
    victim = succeeded()
    job_id = forged.format(victim=victim.id)
    fields = {**redis.hgetall(job_key(victim.id)), "id": job_id, "state": "failed", "finished": "1"}
    redis.hset(job_key(job_id), mapping=fields)
    redis.zadd(JOBS, {job_id: 1})
    before = store.files("")
    # When it is to be removed
    assert fitq("rm", job_id, "--yes").code == 2
    assert fitq("gc", "--apply", "--jobs", "1d").code == 0
    # Then nothing has gone
    assert store.files("") == before


EVIL = "[/x]\x1b[2J\x9b1m\r\u202e"
ESCAPED = "[/x]\\x1b[2J\\x9b1m\\r\\u202e"


def told_on_a_terminal(*arguments: str) -> str:
    """What `fitq` shows on a terminal of its own."""
    main, side = pty.openpty()
    program = Path(sys.executable).with_name("fitq")
    with subprocess.Popen([program, *arguments], stdin=side, stdout=side, stderr=side) as running:
        os.close(side)
        shown = b""
        with contextlib.suppress(OSError), os.fdopen(main, "rb", 0) as screen:
            while piece := screen.read(4096):
                shown += piece
    assert running.returncode in (0, 1), shown
    return shown.decode()


def test_what_others_say_is_not_obeyed(
    queue, fitq, records, redis, train_job, claim, store, monkeypatch
):
    # Given a job whose worker, events, reason, log and files say what a terminal would obey
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "400")
    record = records.create(train_job())
    attempt = claim(record)
    redis.hset(job_key(record.id), mapping={"summary": EVIL, "worker": EVIL, "device_name": EVIL})
    redis.hset(job_key(record.id), "spec", json.dumps({"epochs": 2, EVIL: EVIL}))
    steps = {"epoch": 1, "epochs": 2, "batch": 3, "batches": 9}
    publish(redis, record.id, "progress", 1, {"phase": EVIL, **steps, EVIL: 0.5})
    publish(redis, record.id, "epoch", 1, {"epoch": 1, "seconds": 1.0, EVIL: 0.5})
    folder = AttemptFolder(store, record.id, 1)
    folder.write(AttemptFolder.log, f"{EVIL}\nlast line\n")
    (store.folder / folder.path / "a\x1b[2J").write_text("")

    def fail_once_followed() -> None:
        wait_until(lambda: redis.info("clients")["blocked_clients"], 60, "a follower")
        Attempts(records).fail(attempt, Reason("bad-job", f"{EVIL}\nsecond line", EVIL))

    info = WorkerInfo("t", EVIL, "h", 1, "cpu", EVIL, "ready", "0", 1.0)
    announce(redis, info, 60)

    # When it is followed to its end on a terminal, where there is a bar
    failing = threading.Thread(target=fail_once_followed)
    failing.start()
    shown = told_on_a_terminal("watch", record.id)
    failing.join()
    # Then all of it is escaped
    assert f"epoch 1/2  {ESCAPED} 0.5000  1.0 s" in shown
    assert f"{ESCAPED}\r\nsecond line" in shown
    assert f"try: {ESCAPED}" in shown

    # And so it is when it is looked at with other commands
    for arguments in (
        *(["show", record.id], ["wait", record.id], ["logs", record.id], ["doctor"]),
        *(["workers"], ["jobs"], ["drain", "--all", "--no-wait"]),
    ):
        shown = told_on_a_terminal(*arguments)
        assert "\\x1b[2J" in shown, arguments
        assert not [evil for evil in ("\x1b[2J", "\x9b", "\u202e") if evil in shown]
    assert f"  {ESCAPED}\r\nsecond line\r\n" in told_on_a_terminal("show", record.id)
    # But a pipe gets the log as it is
    assert fitq("logs", record.id).out == f"{EVIL}\nlast line\n"
