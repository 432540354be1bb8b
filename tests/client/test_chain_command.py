"""`fitq chain` and `--after`: what is submitted, and every mistake at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fitq_shared.attempts import Attempts
from fitq_shared.record import Attempt, JobRecord, Reason
from fitq_shared.records import Records

pytestmark = pytest.mark.services

CHAIN = """
name = "digits"
tags = ["demo"]

[links.train]
dataset = "mnist"
model = "mlp"

[links.evaluate]
model = "train"

[links.promote]
model = "train"
evaluation = "evaluate"
metric = "accuracy"
model_name = "digits"
alias = "production"

[links.predict]
model = "train"
after = "promote"
"""


@pytest.fixture
def submitted(queue, fitq) -> Callable[[str], dict[str, dict]]:
    """Submit a chain: its jobs by name."""

    def submit(text: str = CHAIN) -> dict[str, dict]:
        Path("chain.toml").write_text(text)
        ran = fitq("chain", "-f", "chain.toml", "--no-wait", "--json")
        assert ran.code == 0, ran.err
        return {job["name"]: job for job in ran.json}

    return submit


def test_links_name_each_other_and_wait_for_each_other(submitted):
    jobs = submitted()
    ids = {name: job["id"] for name, job in jobs.items()}
    assert [job["state"] for job in jobs.values()] == ["queued", "waiting", "waiting", "waiting"]
    assert jobs["digits-evaluate"]["after"] == [ids["digits-train"]]
    assert jobs["digits-promote"]["after"] == [ids["digits-train"], ids["digits-evaluate"]]
    assert jobs["digits-predict"]["after"] == [ids["digits-promote"], ids["digits-train"]]
    for name in ("digits-evaluate", "digits-promote", "digits-predict"):
        model = jobs[name]["spec"]["model"]
        assert (model["pending"], model["job"]) == (True, ids["digits-train"])
    assert jobs["digits-promote"]["spec"]["evaluation"] == ids["digits-evaluate"]
    assert jobs["digits-evaluate"]["spec"]["dataset"] == "mnist"
    assert all(job["tags"] == ["demo"] for job in jobs.values())


def test_a_holder_is_measured_where_code_is_allowed_if_the_evaluation_was(queue, fitq):
    # Given a chain whose model comes from code
    Path("net.py").write_text("def build():\n    pass\n")
    Path("chain.toml").write_text(
        """
        [links.train]
        dataset = "mnist"
        model = "net.py:build"
        [links.evaluate]
        model = "train"
        [links.promote]
        model = "train"
        evaluation = "evaluate"
        metric = "accuracy"
        model_name = "mnist"
        alias = "production"
        """
    )
    # When its jobs are made
    jobs = fitq("chain", "-f", "chain.toml", "--dry-run").json
    # Then the one that promotes goes to such workers too
    assert jobs[-1]["spec"]["kind"] == "promote"
    assert jobs[-1]["spec"]["code"]


def test_every_mistake_of_every_link_is_told_and_nothing_is_submitted(queue, fitq, records):
    # Given
    Path("chain.toml").write_text(
        """
        colour = "red"
        [links.train]
        dataset = "mnits"
        model = "mlp"
        epochs = 0
        [links.evaluate]
        model = "trian"
        batch_size = 0
        [links.predict]
        model = "evaluate"
        dataset = "mnist"
        after = ["nobody"]
        [links.wait]
        """
    )
    # When
    ran = fitq("chain", "-f", "chain.toml")
    # Then
    assert ran.code == 2
    for said in (
        "colour",
        "train.dataset",
        "mnist",
        "train.epochs",
        "evaluate.model",
        "did you mean 'train'",
        "evaluate.batch_size",
        "predict.model",
        "predict.after",
        "wait.kind",
    ):
        assert said in ran.err, said
    assert list(records.all()) == []


def test_links_predict_all_files_that_the_command_does(queue, fitq, store, records):
    # Given a chain that predicts images, a table, texts and texts in an array
    Path("digits").mkdir()
    for name in ("one", "two"):
        Path(f"digits/{name}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Path("rows.csv").write_text("a;b\n1;2\n")
    Path("letter.txt").write_text("dear all")
    np.save("words.npy", np.array(["good", "bad"]))
    Path("chain.toml").write_text(
        """
        [links.train]
        dataset = "mnist"
        model = "mlp"
        [links.images]
        kind = "predict"
        model = "train"
        input = ["digits/one.png", "digits/two.png"]
        [links.folder]
        kind = "predict"
        model = "train"
        input = "digits"
        [links.table]
        kind = "predict"
        model = "train"
        input = "rows.csv"
        [links.texts]
        kind = "predict"
        model = "train"
        input = "letter.txt"
        [links.words]
        kind = "predict"
        model = "train"
        input = "words.npy"
        """
    )
    # When it is submitted
    ran = fitq("chain", "-f", "chain.toml", "--no-wait", "--json")
    assert ran.code == 0, ran.err
    # Then each link names its rows by their kind, and these are in the store
    rows = {job["name"].rpartition("-")[2]: job["spec"].get("rows") for job in ran.json}
    kinds = {name: one["type"] for name, one in rows.items() if one}
    assert kinds == {
        **dict.fromkeys(("images", "folder"), "images"),
        **{"table": "table", "texts": "texts", "words": "file"},
    }
    assert rows["table"]["separator"] == ";"
    assert all(store.exists(one["path"]) for one in rows.values() if one)


def test_files_of_a_link_that_are_wrong_are_named(queue, fitq, records):
    Path("broken.png").write_bytes(b"no image")
    Path("chain.toml").write_text(
        """
        [links.train]
        dataset = "mnist"
        model = "mlp"
        [links.broken]
        kind = "predict"
        model = "train"
        input = "broken.png"
        [links.none]
        kind = "predict"
        model = "train"
        input = 3
        """
    )
    ran = fitq("chain", "-f", "chain.toml")
    assert ran.code == 2
    assert "broken.input = 'broken.png': expected a PNG or JPEG image" in ran.err
    assert "none.input = 3: expected a path, or a list of paths" in ran.err
    assert list(records.all()) == []


def test_a_circle_is_named(queue, fitq, records):
    Path("chain.toml").write_text(
        """
        [links.a]
        kind = "describe"
        dataset = "mnist"
        after = "b"
        [links.b]
        kind = "describe"
        dataset = "mnist"
        after = "a"
        """
    )
    ran = fitq("chain", "-f", "chain.toml")
    assert ran.code == 2
    assert "a → b → a" in ran.err or "b → a → b" in ran.err
    assert list(records.all()) == []


@pytest.mark.parametrize("text", ["", "links = 3", "[links]", "links = { a = 1 }"])
def test_a_file_without_links_is_refused(queue, fitq, text):
    Path("chain.toml").write_text(text)
    ran = fitq("chain", "-f", "chain.toml")
    assert ran.code == 2
    assert "tables such as [links.train]" in ran.err


def test_jobs_shows_after_which_a_job_waits(submitted, fitq):
    submitted()
    listed = fitq("jobs", "--state", "waiting")
    assert "waiting: after digits-train, digits-evaluate" in listed.out
    assert len(fitq("jobs", "--state", "waiting", "--json").json) == 3
    shown = fitq("show", "digits-evaluate")
    assert "after digits-train, which is queued" in shown.out


def test_after_lets_a_job_wait_for_another(
    queue, fitq, records: Records, claim: Callable[[JobRecord], Attempt]
):
    # Given
    first = fitq(*_TRAIN, "--name", "first", "--no-wait", "--json").json
    # When
    ran = fitq(*_TRAIN, "--name", "second", "--after", "first", "--no-wait")
    # Then
    assert "waiting: mlp on mnist" in ran.out
    assert "after first, which is queued" in ran.err
    assert records.find("second").after == (first["id"],)
    # And one after a job that has succeeded waits for nothing
    Attempts(records).succeed(claim(records.find("first")), "f" * 64, {})
    third = fitq(*_TRAIN, "--after", "first", "--no-wait", "--json").json
    assert third["state"] == "queued"


def test_a_model_may_be_that_of_a_job_that_is_waited_for(queue, fitq):
    fitq(*_TRAIN, "--name", "first", "--no-wait")
    refused = fitq("evaluate", "first", "--no-wait")
    assert "add --after first" in refused.err
    evaluation = fitq("evaluate", "first", "--after", "first", "--no-wait", "--json").json
    assert evaluation["spec"]["model"]["pending"] is True


def test_nothing_can_come_after_what_has_failed(
    queue, fitq, records: Records, claim: Callable[[JobRecord], Attempt]
):
    fitq(*_TRAIN, "--name", "first", "--no-wait")
    Attempts(records).fail(claim(records.find("first")), Reason("bad-job", "the loss is NaN"))
    ran = fitq(*_TRAIN, "--after", "first", "--no-wait")
    assert ran.code == 2
    assert "nothing can come after first: it has failed" in ran.err
    assert "fitq retry first" in ran.err


def test_cancelling_one_cancels_those_behind_and_retry_brings_them_back(submitted, fitq, records):
    # Given
    submitted()
    # When
    assert fitq("cancel", "digits-train").code == 0
    # Then
    states = {record.name: record.state for record in records.all()}
    assert set(states.values()) == {"cancelled"}
    refused = fitq("retry", "digits-evaluate", "--no-wait")
    assert "nothing can come after digits-train" in refused.err
    # And
    assert fitq("retry", "digits-train", "--no-wait").code == 0
    states = {record.name: record.state for record in records.all()}
    assert states.pop("digits-train") == "queued"
    assert set(states.values()) == {"waiting"}


def test_cancel_all_knows_those_that_wait(submitted, fitq, records):
    submitted()
    ran = fitq("cancel", "--all", "--mine")
    assert ran.code == 0, ran.out
    assert "cancelled 4 jobs" in ran.out


def test_what_others_wait_for_is_not_removed(
    submitted, fitq, records: Records, claim: Callable[[JobRecord], Attempt], store
):
    submitted()
    Attempts(records).succeed(claim(records.find("digits-train")), "f" * 64, {})
    ran = fitq("rm", "digits-train", "--yes")
    assert ran.code == 2
    assert "digits-" in ran.err
    assert "waits" in ran.err or "needed by" in ran.err


_TRAIN = ("train", "--dataset", "mnist", "--model", "mlp")
