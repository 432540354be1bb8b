from __future__ import annotations

import pytest

from fitq_shared.specs.kinds import parse_spec

JOB = """
dataset = "fashion_mnist"
name = "from-file"
tags = ["file"]
epochs = 20
loss = "categorical_crossentropy"
metrics = ["accuracy", "auc"]
seed = 7

[model]
type = "mlp"
units = [256, 128]
dropout = [0.4, 0.3]

[optimizer]
name = "rmsprop"
learning_rate = 0.01

[early_stopping]
monitor = "val_accuracy"
patience = 2
"""
LEAST = ("--dataset", "mnist", "--model", "mlp")


@pytest.fixture
def dry(fitq):
    """The spec that these arguments make."""

    def run(*arguments):
        ran = fitq("train", *arguments, "--dry-run")
        assert ran.code == 0, ran.err
        assert ran.err == ""
        return ran.json

    return run


@pytest.fixture
def job_file(nowhere):
    path = nowhere / "job.toml"
    path.write_text(JOB)
    return path


def test_a_dry_run_prints_the_complete_spec_and_needs_no_queue(dry):
    # Given nowhere to send a job to
    # When I ask what it would be
    spec = dry(*LEAST)

    # Then all is there, the name and the seed that were not given too
    job = parse_spec(spec)
    assert job.model_dump(mode="json") == spec
    assert job.name.count("-") == 1
    assert job.owner == "ann"
    assert (job.dataset, job.model.type, job.epochs) == ("mnist", "mlp", 5)
    assert 0 <= job.seed < 2**31


def test_each_job_has_a_name_and_a_seed_of_its_own(dry):
    first, second = dry(*LEAST), dry(*LEAST)
    assert first["name"] != second["name"]
    assert first["seed"] != second["seed"]


def test_every_flag_lands_in_the_spec(dry):
    spec = dry(
        *("--dataset", "fashion_mnist", "--model", "mlp"),
        *("--option", "units=256,128", "--option", "dropout=0.5", "--option", "activation=elu"),
        *("--optimizer", "sgd", "--learning-rate", "0.1", "--loss", "categorical_crossentropy"),
        *("--metric", "accuracy", "--metric", "auc", "--epochs", "3", "--batch-size", "64"),
        *("--validation-split", "0.1", "--patience", "0", "--monitor", "val_auc"),
        *("--seed", "5", "--device", "cpu", "--name", "my-job", "--tag", "a", "--tag", "b"),
        *("--rows", "500", "--timeout", "2h", "--priority", "low"),
        *("--inputs", "image", "--target", "label", "--schedule", "cosine_decay"),
        *("--schedule-option", "alpha=0.1", "--schedule-option", "warmup_epochs=1"),
        *("--weight-decay", "0.01", "--momentum", "0.9", "--clipnorm", "1"),
        *("--loss-weight", "probabilities=2", "--class-weight", "Bag=2", "--class-weight", "3=0.5"),
        *("--sample-weight", "weight", "--mixed-precision"),
    )
    assert spec == {
        "schema_version": 1,
        "kind": "train",
        "name": "my-job",
        "owner": "ann",
        "tags": ["a", "b"],
        "device": "cpu",
        "min_gpu_memory": None,
        "gpus": None,
        "priority": "low",
        "timeout": 7200.0,
        "dataset": "fashion_mnist",
        "rows": 500,
        "model": {"type": "mlp", "units": [256, 128], "dropout": [0.5], "activation": ["elu"]},
        "inputs": ["image"],
        "target": ["label"],
        "init_from": None,
        "optimizer": {
            "name": "sgd",
            "learning_rate": 0.1,
            "schedule": {
                "type": "cosine_decay",
                "epochs": None,
                "alpha": 0.1,
                "warmup_epochs": 1.0,
            },
            "weight_decay": 0.01,
            "momentum": 0.9,
            "clipnorm": 1.0,
        },
        "loss": "categorical_crossentropy",
        "loss_weights": {"probabilities": 2.0},
        "metrics": ["accuracy", "auc"],
        "class_weight": {"Bag": 2.0, "3": 0.5},
        "sample_weight": "weight",
        "mixed_precision": True,
        "epochs": 3,
        "batch_size": 64,
        "validation_split": 0.1,
        "split": {"by": "fraction", "column": None, "test_split": 0.0},
        "preprocessing": {},
        "early_stopping": {
            "monitor": "val_auc",
            "patience": 0,
            "min_delta": 0.0,
            "mode": "auto",
            "restore_best_weights": True,
        },
        "seed": 5,
        "model_name": None,
    }


def test_a_job_file_says_all_that_flags_can_say(dry, job_file):
    spec = dry("-f", job_file)
    assert spec["name"] == "from-file"
    assert spec["dataset"] == "fashion_mnist"
    assert spec["model"]["units"] == [256, 128]
    assert (spec["optimizer"]["name"], spec["optimizer"]["learning_rate"]) == ("rmsprop", 0.01)
    assert spec["early_stopping"]["patience"] == 2
    assert (spec["epochs"], spec["seed"]) == (20, 7)


def test_flags_override_the_job_file_and_leave_the_rest(dry, job_file):
    # Given a job file
    # When flags say otherwise
    spec = dry(
        *("-f", job_file, "--epochs", "3", "--name", "mine", "--tag", "flag"),
        *("--learning-rate", "0.5", "--monitor", "val_auc", "--option", "dropout=0.1"),
    )
    # Then they win, each alone
    assert (spec["epochs"], spec["name"], spec["tags"]) == (3, "mine", ["flag"])
    assert (spec["optimizer"]["name"], spec["optimizer"]["learning_rate"]) == ("rmsprop", 0.5)
    assert spec["early_stopping"]["monitor"] == "val_auc"
    assert spec["early_stopping"]["patience"] == 2
    assert (spec["model"]["units"], spec["model"]["dropout"]) == ([256, 128], [0.1])
    assert (spec["dataset"], spec["seed"]) == ("fashion_mnist", 7)


def test_another_model_does_not_take_the_file_s_options(dry, job_file):
    spec = dry("-f", job_file, "--model", "cnn", "--option", "filters=8")
    assert spec["model"]["type"] == "cnn"
    assert spec["model"]["filters"] == [8]
    # But the same model does
    assert dry("-f", job_file, "--model", "mlp")["model"]["units"] == [256, 128]


def test_a_model_by_name_alone_may_stand_in_the_file(dry, nowhere):
    path = nowhere / "short.toml"
    path.write_text('dataset = "mnist"\nmodel = "mlp"\n')
    assert dry("-f", path)["model"]["units"] == [128]
    assert dry("-f", path, "--option", "units=9")["model"]["units"] == [9]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epochs = = 3", "a job file in TOML: Invalid value (at line 1"),
        ("epochs = 3\nepochs = 4", "a job file in TOML: Cannot overwrite a value"),
        ("name = 'open", "a job file in TOML: "),
        ("kind = 'predict'", "kind = 'predict': expected 'train', the command that was given"),
        ("kind = ['train']", "kind = ['train']: expected 'train'"),
        ("epoch = 3", "epoch = 3: expected no such field; known are batch_size"),
        ("epoch = 3", "(did you mean 'epochs'?)"),
        ("name = 2024-01-01", "name = datetime.date(2024, 1, 1): expected a valid string"),
        ("", "dataset is missing: expected a value"),
        ("", "model is missing: expected a value"),
    ],
)
def test_a_job_file_with_a_mistake_is_wrong_use(fitq, nowhere, text, said):
    (nowhere / "job.toml").write_text(text)
    ran = fitq("train", "-f", "job.toml", "--dry-run")
    assert ran.code == 2
    assert said in ran.err
    assert ran.out == ""


def test_a_job_file_that_cannot_be_read_is_named(fitq, nowhere):
    (nowhere / "folder").mkdir()
    (nowhere / "latin.toml").write_bytes(b"name = '\xff'")
    for name, said in (
        ("nothing.toml", "No such file or directory"),
        ("folder", "Is a directory"),
        ("latin.toml", "a job file in TOML: 'utf-8' codec"),
    ):
        ran = fitq("train", "-f", name, "--dry-run")
        assert ran.code == 2
        assert f"--file = {name!r}" in ran.err
        assert said in ran.err


def test_options_without_a_value_are_all_named(fitq):
    ran = fitq("train", *LEAST, "--option", "units", "--option", "a=1", "--option", "dropout")
    assert ran.code == 2
    assert "--option = 'units': expected key=value, such as units=256,128" in ran.err
    assert "--option = 'dropout': expected key=value" in ran.err
    assert "'a=1'" not in ran.err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("train", "--dataset is missing: expected mnist, or another of `fitq datasets`"),
        ("train", "--model is missing: expected mlp, cnn, rnn; or a file"),
        ("sweep --grid lr=0.1,0.2", "--dataset is missing: expected mnist"),
        ("sweep", "--trials is missing: expected a value"),
        ("train --split-by group", "--split-column is missing: expected the name of the column"),
    ],
)
def test_what_is_missing_is_named_by_its_flag(fitq, command, said):
    # When a command lacks what it needs, and no file says it
    ran = fitq(*command.split(), "--dry-run")
    # Then the flag is named, with what it takes
    assert ran.code == 2
    assert said in ran.err


def test_an_option_without_its_model_is_told_so(fitq):
    ran = fitq("train", "--dataset", "mnist", "--option", "units=3", "--dry-run")
    assert ran.code == 2
    assert "--model is missing: expected mlp, cnn, rnn; or a file" in ran.err


@pytest.mark.services
def test_no_wait_returns_the_id_at_once(queue, fitq, records):
    ran = fitq("train", *LEAST, "--name", "my-job", "--no-wait")
    record = records.find("my-job")
    assert ran.code == 0
    assert ran.out == f"{record.id}  my-job  queued: mlp on mnist, 5 epochs\n"
    assert "fitq watch my-job" in ran.err
    assert (record.state, record.owner) == ("queued", "ann")


@pytest.mark.services
def test_no_wait_with_json_prints_the_record_alone(queue, fitq, records):
    ran = fitq("train", *LEAST, "--tag", "x", "--no-wait", "--json")
    [record] = records.all()
    assert ran.code == 0
    assert ran.err == ""
    assert ran.json["id"] == record.id
    assert ran.json["tags"] == ["x"]
    assert "token" not in ran.json


@pytest.mark.parametrize(
    ("line", "flag", "named"),
    [
        ("model = 3", ["--option", "units=4"], "model.type = "),
        ("early_stopping = true", ["--patience", "2"], "early_stopping.name"),
        ("optimizer = 7", ["--learning-rate", "0.1"], "optimizer.name = 7"),
    ],
)
def test_a_part_that_is_no_table_is_named(fitq, tmp_path, line, flag, named):
    # Given a job file in which a part is a plain value
    job = tmp_path / "job.toml"
    job.write_text(
        f'dataset = "mnist"\nmodel = "mlp"\n{line}\n'
        if "model" not in line
        else f'dataset = "mnist"\n{line}\n'
    )
    # When a flag is to change that part
    result = fitq("train", "-f", str(job), "--dry-run", *flag)
    # Then the mistake is named, without a traceback
    assert result.code == 2
    assert named in result.err
