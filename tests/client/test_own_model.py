"""Models of users' own on the command line: looked at here, and uploaded by their content."""

from __future__ import annotations

import hashlib
import json

import pytest

from fitq_shared.code_bundle import read_bundle
from support.code import write_files
from support.hostile_files import (
    MODELS_REFUSED_EVERYWHERE,
    Hostile,
    keras_file,
    layer,
    model_config,
)

pytestmark = pytest.mark.services

NET = "import helper\ndef build(units, *, dropout=0.5): pass\ndef other(**options): pass"
TRAIN = ("train", "--dataset", "mnist", "--model")


@pytest.fixture
def files(nowhere):
    write_files(nowhere, net=NET, helper="A = 1")
    return nowhere


def test_a_builder_is_sent_with_what_it_imports(files, queue, fitq, store):
    # When a job with a builder and its options is submitted
    ran = fitq(*TRAIN, "net.py:build", "--option", "units=64,32", "--no-wait", "--json")
    # Then the spec names the bundle by its content, the function, and the options
    model = ran.json["spec"]["model"]
    assert (model["type"], model["module"], model["function"]) == ("code", "net", "build")
    assert model["options"] == {"units": [64, 32]}
    assert model["bundle"]["file"] == "net.py"
    # And the store has it
    content = store.read(model["bundle"]["path"])
    assert hashlib.sha256(content).hexdigest() == model["bundle"]["sha256"]
    assert read_bundle(content) == {"helper.py": b"A = 1", "net.py": NET.encode()}


def test_a_dry_run_uploads_nothing(files, fitq, store):
    ran = fitq(*TRAIN, "net.py:build", "--option", "units=4", "--dry-run")
    assert ran.json["model"]["type"] == "code"
    assert store.files("inputs") == []


def test_a_path_in_a_job_file_is_beside_it(nowhere, fitq):
    # Given a job file in another folder, with its model beside it
    write_files(nowhere / "jobs", net=NET, helper="")
    job = 'dataset = "mnist"\n[model]\ntype = "net.py:build"\nunits = 3\n'
    (nowhere / "jobs" / "job.toml").write_text(job)
    # When it is read from here
    ran = fitq("train", "-f", "jobs/job.toml", "--dry-run")
    # Then the file is found, and a flag changes its options
    assert ran.json["model"]["options"] == {"units": 3}
    more = fitq("train", "-f", "jobs/job.toml", "--option", "dropout=0.1", "--dry-run")
    assert more.json["model"]["options"] == {"units": 3, "dropout": 0.1}
    # But a flag's path is looked for from here
    away = fitq("train", "-f", "jobs/job.toml", "--model", "net.py:other", "--dry-run")
    assert away.code == 2
    assert "No such file" in away.err


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        ("net.py", [], "expected a file and a function of it: net.py:build"),
        ("net.py:", [], "expected a file and a function of it"),
        ("net.py:biuld", [], "a function that net.py defines: one of build, other (did you mean"),
        ("nothere.py:build", [], "No such file or directory"),
        ("net.py:build", ["unitz=3"], "did you mean 'units'?"),
        ("net.py:build", [], "--option units is missing: expected a value"),
        ("net.py:build", ["units=3", "1x=2"], "1x"),
        ("resnet", [], "one of cnn, mlp, rnn; or a file: net.py:build, model.keras or model.json"),
        ("model.h5", [], "an HDF5 file (.h5)"),
        ("weights.pt", [], "expected a model of fitq's"),
        ("nothere.keras", [], "No such file"),
        ("nothere.json", [], "No such file"),
        ("nets/resnet", [], "expected a model of fitq's"),
        ("random.py:build", [], "Python's own module random"),
    ],
)
def test_what_cannot_be_sent_is_said(files, fitq, model, options, words):
    write_files(files, random="def build(): pass")
    (files / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    given = [word for option in options for word in ("--option", option)]
    ran = fitq(*TRAIN, model, *given, "--dry-run")
    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_all_mistakes_come_at_once(files, fitq):
    ran = fitq(*TRAIN, "net.py:build", "--option", "unitz=3", "--epochs", "0", "--dry-run")
    assert ran.code == 2
    for words in ("unitz", "--option units is missing", "epochs = 0"):
        assert words in ran.err


def test_a_function_that_takes_any_option_gets_any(files, fitq):
    ran = fitq(*TRAIN, "net.py:other", "--option", "whatever=1", "--dry-run")
    assert ran.json["model"]["options"] == {"whatever": 1}


@pytest.mark.parametrize("state", [True, False])
def test_a_keras_file_says_whether_it_is_compiled(nowhere, fitq, state):
    # Given a file with a compile state or without
    compiled = {"compile_config": {"loss": "mean_squared_error"}} if state else {}
    (nowhere / "m.keras").write_bytes(keras_file({**model_config(), **compiled}))
    # Then it is used if it is there, unless told otherwise
    assert fitq(*TRAIN, "m.keras", "--dry-run").json["model"]["compiled"] is state
    other = fitq(*TRAIN, "m.keras", "--option", "compiled=false", "--dry-run")
    assert other.json["model"]["compiled"] is False
    asked = fitq(*TRAIN, "m.keras", "--option", "compiled=true", "--dry-run")
    assert asked.code == (0 if state else 2)
    wrong = fitq(*TRAIN, "m.keras", "--option", "units=3", "--dry-run")
    assert "a .keras file takes compiled" in wrong.err


def test_a_file_is_uploaded_and_named(nowhere, queue, fitq, store):
    content = keras_file()
    (nowhere / "mine.keras").write_bytes(content)
    record = fitq(*TRAIN, "mine.keras", "--no-wait", "--json").json
    file = record["spec"]["model"]["file"]
    assert (file["file"], store.read(file["path"])) == ("mine.keras", content)
    # And it needs no worker that allows code
    assert record["queue"].startswith("fitq.v1.any.")


@pytest.mark.parametrize("hostile", MODELS_REFUSED_EVERYWHERE, ids=str)
def test_a_hostile_file_is_refused_before_it_is_uploaded(nowhere, fitq, store, hostile: Hostile):
    (nowhere / "m.keras").write_bytes(hostile.content)
    ran = fitq(*TRAIN, "m.keras", "--no-wait")
    assert ran.code == 2
    assert hostile.words in " ".join(ran.err.split())
    assert store.files("inputs") == []


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (model_config(layer("Lambda", function="x")), "Lambda"),
        (model_config({**layer("Dense"), "registered_name": "mine>Own"}), "of a user"),
        ({"class_name": "Sequential", "config": {}, "keras_version": "2.4"}, "Keras 2 wrote it"),
        (layer("Dense", units=1), "and no model"),
        ([1], "no JSON object"),
    ],
    ids=["lambda", "registered", "keras 2", "a layer", "a list"],
)
def test_a_json_file_that_is_no_model_is_refused(nowhere, fitq, config, words):
    (nowhere / "m.json").write_text(json.dumps(config))
    ran = fitq(*TRAIN, "m.json", "--dry-run")
    assert ran.code == 2
    assert words in ran.err
    assert "file.py:function" in ran.err


def test_a_json_file_is_taken(nowhere, fitq):
    (nowhere / "m.json").write_text(json.dumps(model_config()))
    assert fitq(*TRAIN, "m.json", "--dry-run").json["model"]["type"] == "json"


def test_a_model_of_code_is_evaluated_where_code_is_allowed(files, fitq, succeeded, train_job):
    # Given a job of code that has succeeded
    spec = fitq(*TRAIN, "net.py:build", "--option", "units=1", "--dry-run").json
    trained = succeeded(train_job(model=spec["model"]))
    # Then whatever loads its model needs a worker that allows code
    for command in ("evaluate", "predict"):
        data = ("--dataset", "mnist")
        record = fitq(command, trained.name, *data, "--no-wait", "--json").json
        assert record["queue"].startswith("fitq.v1.any-code.")


def test_checking_says_what_it_needs(files, fitq):
    ran = fitq("models", "check", "mlp", "--dry-run")
    assert ran.code == 2
    assert "--dataset is missing: expected a data set, whose shapes the mlp takes" in ran.err
    spec = fitq("models", "check", "net.py:build", "--option", "units=3", "--dry-run").json
    assert (spec["kind"], spec["model"]["options"], spec["dataset"]) == (
        "check",
        {"units": 3},
        None,
    )
