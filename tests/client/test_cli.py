"""What holds for every command: help, speed of help, exit codes, and what is printed where."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

import fitq.commands
from fitq.cli import COMMANDS
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.workers import WorkerInfo, announce
from support.redis_server import free_port
from support.waiting import wait_until

# Far above the 5 s within which `fitq` gives up, for machines that are busy.
GIVES_UP_SECONDS = 30
FITQ = str(Path(sys.executable).with_name("fitq"))


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


# -- help -------------------------------------------------------------------------------------


def test_help_needs_none_of_the_heavy_libraries():
    # Given a process of its own
    # When it shows the help of `fitq`, and of each command
    ran = python(
        "import sys\n"
        "from fitq.cli import COMMANDS, run\n"
        "assert run(['--help']) == 0\n"
        "first = set(sys.modules)\n"
        "assert all(run([name, '--help']) == 0 for name in COMMANDS)\n"
        "heavy = {'keras', 'tensorflow', 'celery', 'redis', 'numpy', 'matplotlib'}\n"
        "print(sorted(heavy & first), sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
        "print(sorted({'pydantic', 'rich', 'fsspec'} & first), file=sys.stderr)\n"
    )
    # Then none of those was imported for it
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.splitlines() == ["[] []", "[]"]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_listed_and_has_its_help(fitq, name):
    listed = fitq("--help")
    assert listed.code == 0
    assert [line for line in listed.out.splitlines() if line.split()[:1] == [name]]
    ran = fitq(name, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: fitq {name} ")
    assert ran.err == ""


def test_every_file_of_a_command_is_listed():
    [folder] = fitq.commands.__path__
    files = {path.stem for path in Path(folder).iterdir() if not path.stem.startswith("_")}
    assert files == set(COMMANDS)


def test_without_a_command_the_help_is_shown(fitq):
    ran = fitq()
    assert ran.code == 2
    assert "Commands:" in ran.out + ran.err


def test_the_version_is_told(fitq):
    assert fitq("--version").out.startswith("fitq, version ")


# -- wrong use: 2 -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("trian", "; did you mean `fitq train`?\n"),
        ("predcit", "; did you mean `fitq predict`?\n"),
        ("zzz", "\n  try: `fitq [OPTIONS] COMMAND [ARGS]...`; more by `fitq --help`\n"),
    ],
)
def test_an_unknown_command_is_met_with_the_nearest(fitq, typed, said):
    ran = fitq(typed)
    assert ran.code == 2
    assert f"there is no command {typed!r}{said}" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [
        (("train", "--nonsense"), "fitq train [OPTIONS]"),
        (("show",), "fitq show [OPTIONS] JOB"),
        (("--nonsense",), "fitq [OPTIONS] COMMAND [ARGS]..."),
        (("jobs", "--limit", "0"), "fitq jobs [OPTIONS]"),
        (("models", "export", "mnist"), "fitq models export [OPTIONS] MODEL"),
    ],
)
def test_wrong_options_are_wrong_use(fitq, arguments, usage):
    # When a command is given what it does not take, or not given what it needs
    ran = fitq(*arguments)
    # Then it says so as all mistakes are said, and how it is used
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert f"  try: `{usage}`; more by `" in ran.err


def test_all_mistakes_of_a_command_are_named_at_once_without_a_traceback(nowhere):
    # Given a command with a mistake in each of many flags
    flags = [
        *("--dataset", "minst", "--model", "mpl", "--epochs", "0", "--batch-size", "big"),
        *("--validation-split", "2", "--optimizer", "adamm", "--learning-rate", "-1"),
        *("--loss", "lost", "--metric", "acuracy", "--patience", "-1", "--monitor", "nothing"),
        *("--name", "../up", "--tag", "a b", "--device", "tpu", "--seed", "-1"),
    ]

    # When it is run
    ran = subprocess.run(
        [FITQ, "train", *flags],
        env={**os.environ, "FITQ_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    # Then each is named, and nothing else: Redis was not even asked
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    for where in (
        *("dataset = 'minst'", "model = 'mpl'", "epochs = 0", "batch_size = 'big'"),
        *("validation_split = 2", "optimizer.name = 'adamm'", "optimizer.learning_rate = -1"),
        *("loss = 'lost'", "metrics[0] = 'acuracy'", "early_stopping.patience = -1"),
        *("early_stopping.monitor = 'nothing'", "name = '../up'", "tags[0] = 'a b'"),
        *("device = 'tpu'", "seed = -1"),
    ):
        assert f"{where}: expected " in ran.stderr
    assert len(ran.stderr.splitlines()) == 15


# -- no queue: 3 ------------------------------------------------------------------------------

ASK = [
    *(["jobs"], ["show", "x"], ["watch", "x"], ["wait", "x"], ["cancel", "x"], ["workers"]),
    *(["logs", "x"], ["history", "x"], ["pull", "x"], ["evaluate", "x"]),
    *(["retry", "x"], ["rm", "x"], ["drain", "x"], ["cancel", "--all"]),
    *(["predict", "x", "--dataset", "mnist"], ["train", "--dataset", "mnist", "--model", "mlp"]),
]


@pytest.mark.parametrize("arguments", ASK, ids=lambda arguments: arguments[0])
def test_without_a_queue_i_am_told_how_to_get_one(fitq, arguments):
    ran = fitq(*arguments)
    assert ran.code == 3
    assert ran.out == ""
    assert "FITQ_REDIS_URL" in ran.err
    assert "try: start a local stack with `fitq up`" in ran.err


@pytest.mark.parametrize("arguments", ASK, ids=lambda arguments: arguments[0])
def test_a_redis_that_does_not_answer_is_named(fitq, monkeypatch, arguments):
    url = f"redis://:secret@127.0.0.1:{free_port()}/0"
    monkeypatch.setenv("FITQ_REDIS_URL", url)
    ran = fitq(*arguments)
    assert ran.code == 3
    assert f"{url.replace('secret', '***')} does not answer" in ran.err
    assert "secret" not in ran.out + ran.err


@pytest.mark.parametrize("arguments", [["jobs"], ["train", "--dataset", "mnist", "--model", "mlp"]])
def test_a_redis_that_is_not_there_is_not_waited_for(nowhere, arguments):
    ran = subprocess.run(
        [FITQ, *arguments],
        env={**os.environ, "FITQ_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"},
        capture_output=True,
        text=True,
        timeout=GIVES_UP_SECONDS,
        check=False,
    )
    assert ran.returncode == 3
    assert "Traceback" not in ran.stderr
    assert ran.stderr.startswith("error: Redis at redis://127.0.0.1:")


# -- failures: 1 ------------------------------------------------------------------------------


@pytest.mark.services
def test_a_client_without_a_store_is_told_what_it_can_do(queue, fitq, succeeded, monkeypatch):
    record = succeeded()
    monkeypatch.delenv("FITQ_STORE")
    ran = fitq("pull", record.name)
    assert ran.code == 1
    assert "no access to the store" in ran.err
    assert "FITQ_STORE" in ran.err
    # But it can look
    assert fitq("show", record.name).code == 0


def test_a_reader_that_goes_away_gets_no_traceback(nowhere):
    # Given a pipe whose reader has gone, as with `fitq models | head -0`
    reader, writer = os.pipe()
    os.close(reader)
    # When a command prints into it
    with os.fdopen(writer, "wb") as pipe:
        ran = subprocess.run(
            [FITQ, "models", "zoo", "--json"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    # Then it ends in silence
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr


# -- interrupted: 130 -------------------------------------------------------------------------

# The signal's handling is inherited, and whoever runs the tests may ignore it.
_INTERRUPTIBLE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from fitq.cli import main; main()"
)


def start_interruptible(*arguments: str, stdout: IO[bytes], stderr: IO[bytes]):
    command = [sys.executable, "-c", _INTERRUPTIBLE, *arguments]
    return subprocess.Popen(command, stdout=stdout, stderr=stderr)


@pytest.mark.services
@pytest.mark.parametrize(
    ("device", "missing"),
    [
        ("any", "no worker takes jobs for any device now; start one with `fitq-worker`, or a"),
        ("gpu", "no worker takes jobs for a GPU now; start one with `fitq-worker --device gpu`"),
    ],
)
def test_who_waits_without_a_worker_is_told_and_may_leave(
    queue, redis, records, tmp_path, device, missing
):
    # Given no worker that could take the job: one has another kind of device, the other none yet
    if device == "gpu":
        other = WorkerInfo("t", "blue", "h", 1, "cpu", "4 cores", "ready", "0", 1.0)
        announce(redis, other, 600)
    announce(redis, WorkerInfo("u", "dark", "h", 2, "gpu", "H100", "waiting", "0", 1.0), 600)
    # And somebody who submits a job and follows it
    log, results = tmp_path / "log", tmp_path / "results"
    flags = ("--dataset", "mnist", "--model", "mlp", "--device", device, "--name", "lonely-fox")
    with results.open("wb") as out, log.open("wb") as err:
        process = start_interruptible("train", *flags, stdout=out, stderr=err)
    try:
        # When the job waits, Then they are told what is missing, and how to start it
        wait_until(lambda: missing in log.read_text(), 60, "the word on the missing worker")
        assert "(lonely-fox): mlp on mnist, 5 epochs" in log.read_text()
        assert "or a local stack with `fitq up`" in log.read_text()

        # When they press Ctrl-C
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    finally:
        process.kill()
        process.wait()

    # Then they are told how to return, and the job goes on
    said = log.read_text()
    assert "the job goes on; return with `fitq watch lonely-fox`" in said
    assert "or stop it with `fitq cancel lonely-fox`" in said
    assert "Traceback" not in said
    assert "interrupted" not in said
    assert results.read_text() == ""
    assert records.find("lonely-fox").state == "queued"


@pytest.mark.services
def test_who_reads_a_log_may_leave(store, records, train_job, claim, tmp_path):
    # Given somebody who follows the log of a running job
    record = records.create(train_job())
    claim(record)
    AttemptFolder.of(store, record).write(AttemptFolder.log, "epoch 1\n")
    output = tmp_path / "output"
    with output.open("wb") as out, (tmp_path / "errors").open("wb") as err:
        process = start_interruptible("logs", "-f", record.name, stdout=out, stderr=err)
    try:
        wait_until(lambda: output.read_text() == "epoch 1\n", 60, "the log")

        # When they press Ctrl-C
        process.send_signal(signal.SIGINT)

        # Then it ends without a traceback
        assert process.wait(60) == 130
        errors = (tmp_path / "errors").read_text()
        assert f"return with `fitq watch {record.name}`" in errors
        assert "Traceback" not in errors
    finally:
        process.kill()
        process.wait()
