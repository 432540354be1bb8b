from __future__ import annotations

import json
import subprocess
import sys

import pytest

from fitq_shared.errors import InvalidInput
from fitq_shared.queues import Needs
from fitq_shared.specs.kinds import parse_spec
from fitq_shared.specs.models import MODELS
from fitq_shared.specs.train import TrainJob

NAME_RULE = "1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit"


@pytest.fixture
def mistakes(train_values):
    """The mistakes that a training job with these changes has, as "where" -> line."""

    def find(**changes):
        with pytest.raises(InvalidInput) as caught:
            TrainJob.parse({**train_values, **changes})
        return {mistake.where: str(mistake) for mistake in caught.value.mistakes}

    return find


def test_what_is_not_given_has_a_default(train_job):
    # Given only a data set and a model
    # When the job is read
    job = train_job()

    # Then all else has its documented value
    assert job.model_dump(mode="json") == {
        "schema_version": 1,
        "kind": "train",
        "name": "brave-otter",
        "owner": "ann",
        "tags": [],
        "device": "any",
        "min_gpu_memory": None,
        "gpus": None,
        "priority": "normal",
        "timeout": None,
        "dataset": "mnist",
        "rows": None,
        "model": {"type": "mlp", "units": [128], "dropout": [0.0], "activation": ["relu"]},
        "inputs": None,
        "target": None,
        "init_from": None,
        "optimizer": {
            **dict.fromkeys(["learning_rate", "schedule", "weight_decay", "momentum", "clipnorm"]),
            "name": "adam",
        },
        "loss": "sparse_categorical_crossentropy",
        "loss_weights": None,
        "metrics": ["accuracy"],
        "class_weight": None,
        "sample_weight": None,
        "mixed_precision": False,
        "epochs": 5,
        "batch_size": 128,
        "validation_split": 0.2,
        "split": {"by": "fraction", "column": None, "test_split": 0.0},
        "preprocessing": {},
        "early_stopping": None,
        "seed": 0,
        "model_name": None,
    }


def test_the_canonical_form_is_one_for_one_job(train_values):
    # Given the same job, written in another order and with its defaults spelt out
    spelt = {"epochs": 5, "model": {"units": 128, "type": "mlp"}, "tags": []}
    first = TrainJob.parse(train_values)
    second = TrainJob.parse({**spelt, **{k: v for k, v in train_values.items() if k != "model"}})

    # When both are written
    # Then they are the same text, with the same sum, and read back as the same job
    assert first.canonical() == second.canonical()
    assert first.digest() == second.digest()
    assert parse_spec(json.loads(first.canonical())) == first
    assert list(json.loads(first.canonical())) == sorted(json.loads(first.canonical()))


def test_the_digest_is_the_same_in_every_process(train_job, train_values):
    # Given a job, and another process that hashes strings in another order
    code = (
        "import json, sys; from fitq_shared.specs.kinds import parse_spec;"
        "print(parse_spec(json.loads(sys.argv[1])).digest())"
    )
    # When it reads the same job
    ran = subprocess.run(
        [sys.executable, "-c", code, json.dumps(train_values)],
        env={"PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    # Then it finds the same sum
    assert ran.stdout.strip() == train_job().digest()


@pytest.mark.parametrize("change", [{"epochs": 6}, {"seed": 1}, {"tags": ["a"]}, {"model": "cnn"}])
def test_another_job_has_another_digest(train_job, change):
    assert train_job(**change).digest() != train_job().digest()


def test_a_job_cannot_be_changed(train_job):
    with pytest.raises(ValueError, match="frozen"):
        train_job().epochs = 7


@pytest.mark.parametrize(
    ("changes", "summary"),
    [({"epochs": 30}, "mlp on mnist, 30 epochs"), ({"epochs": 1}, "mlp on mnist, 1 epoch")],
)
def test_the_summary_says_the_job_in_a_few_words(train_job, changes, summary):
    assert train_job(**changes).summary == summary


def test_all_mistakes_are_named_at_once(mistakes):
    """Those of single fields, of nested fields, and those between fields."""
    # Given a job with a mistake of each sort
    # When it is read
    found = mistakes(
        name="../etc",
        epochs=0,
        batch_size="many",
        dataset="minst",
        model={"type": "mlp", "unist": 3},
        optimizer={"name": "adamm"},
        metrics=["accuracy", "auc"],
        early_stopping={"monitor": "val_los", "patience": -1},
    )

    # Then each has a line of its own
    assert set(found) == {
        *("name", "epochs", "batch_size", "dataset", "model.unist", "optimizer.name"),
        *("metrics", "early_stopping.monitor", "early_stopping.patience"),
    }


@pytest.mark.parametrize(
    ("changes", "where", "guess"),
    [
        ({"dataset": "minst"}, "dataset", "mnist"),
        ({"dataset": "fashion-mnist"}, "dataset", "fashion_mnist"),
        ({"model": "mpl"}, "model.type", "mlp"),
        ({"model": {"type": "mlp", "unist": 3}}, "model.unist", "units"),
        ({"model": {"type": "cnn", "filter": 3}}, "model.filter", "filters"),
        ({"model": {"type": "rnn", "cell": "gur"}}, "model.cell", "gru"),
        ({"device": "gpuu"}, "device", "gpu"),
        ({"optimizer": {"name": "rmsprob"}}, "optimizer.name", "rmsprop"),
        ({"optimizer": {"learning-rate": 1}}, "optimizer.learning-rate", "learning_rate"),
        ({"loss": "mean_square_error"}, "loss", "mean_squared_error"),
        ({"metrics": ["acuracy"]}, "metrics[0]", "accuracy"),
        ({"epoch": 3}, "epoch", "epochs"),
    ],
)
def test_what_is_not_known_is_met_with_the_nearest(mistakes, changes, where, guess):
    found = mistakes(**changes)
    assert list(found) == [where]
    assert f"did you mean {guess!r}?" in found[where]


@pytest.mark.parametrize("field", ["epochs", "batch_size"])
@pytest.mark.parametrize("value", [0, -1, 2.0, 2.5, "3", True, 10_000_001])
def test_counts_are_whole_numbers_above_zero(mistakes, field, value):
    assert list(mistakes(**{field: value})) == [field]


def test_a_count_of_zero_is_answered_with_the_least(mistakes):
    assert mistakes(epochs=0)["epochs"] == "epochs = 0: expected a number of at least 1"


@pytest.mark.parametrize("split", [-0.1, 1, 1.5, float("nan"), float("inf"), "some"])
def test_a_split_outside_0_to_1_is_refused(mistakes, split):
    assert list(mistakes(validation_split=split)) == ["validation_split"]


def test_a_split_that_leaves_no_training_rows_is_refused(mistakes):
    found = mistakes(validation_split=0.9999999)
    assert "rows on both sides of mnist's 60000 training rows" in found["validation_split"]


@pytest.mark.parametrize("split", [0, 0.5, 0.999])
def test_a_split_that_leaves_rows_is_taken(train_job, split):
    assert train_job(validation_split=split).validation_split == split


@pytest.mark.parametrize("rows", [2, 2_000, 60_000, None])
def test_so_many_rows_as_there_are_may_be_used(train_job, rows):
    assert train_job(rows=rows).rows == rows


@pytest.mark.parametrize("rows", [1, 0, -5, 2.5, "many", True])
def test_rows_are_a_whole_number_of_at_least_two(mistakes, rows):
    assert list(mistakes(rows=rows)) == ["rows"]


def test_more_rows_than_there_are_is_a_mistake(mistakes):
    assert "at most the 60000 training rows that mnist has" in mistakes(rows=60_001)["rows"]


def test_the_split_is_one_of_the_rows_that_are_used(mistakes, train_job):
    found = mistakes(rows=10, validation_split=0.99)
    assert "on both sides of mnist's 10 training rows" in found["validation_split"]
    assert train_job(rows=10, validation_split=0.5).rows == 10


def test_a_loss_for_two_classes_does_not_fit_ten(mistakes):
    found = mistakes(loss="binary_crossentropy")
    assert "10 classes, which mnist's labels have" in found["loss"]
    assert "categorical_crossentropy" in found["loss"]


@pytest.mark.parametrize("metric", ["precision", "recall", "auc"])
def test_metrics_of_one_hot_labels_need_a_loss_with_them(mistakes, train_job, metric):
    # Given a metric that takes one-hot labels
    # When the loss takes whole numbers
    # Then it is refused
    assert "categorical_crossentropy" in mistakes(metrics=["accuracy", metric])["metrics"]
    # But it is taken where the loss takes one-hot labels, too
    job = train_job(metrics=[metric], loss="categorical_crossentropy")
    assert job.metrics == (metric,)


@pytest.mark.parametrize("split", [0, 0.2])
@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
def test_early_stopping_may_look_at_what_is_measured(train_job, monitor, split):
    job = train_job(early_stopping={"monitor": monitor}, validation_split=split)
    assert job.early_stopping.monitor == monitor


def test_early_stopping_needs_a_validation_to_look_at_it(mistakes):
    found = mistakes(early_stopping={"monitor": "val_accuracy"}, validation_split=0)
    assert "needs a validation_split above 0" in found["early_stopping.monitor"]


def test_early_stopping_cannot_look_at_what_is_not_measured(mistakes):
    found = mistakes(early_stopping={"monitor": "val_auc"})
    assert "one of accuracy, loss, val_accuracy, val_loss" in found["early_stopping.monitor"]


def test_early_stopping_looks_at_the_validation_loss_by_default(train_job):
    assert train_job(early_stopping={}).early_stopping.model_dump() == {
        "monitor": "val_loss",
        "patience": 3,
        "min_delta": 0.0,
        "mode": "auto",
        "restore_best_weights": True,
    }


@pytest.mark.parametrize(
    "name",
    ["", "../up", "a/b", ".hidden", "-flag", "a b", "a\nb", "a\n", "a\x00", "a\x1b[2J", "ä"],
)
@pytest.mark.parametrize("field", ["name", "tags"])
def test_names_and_tags_that_could_do_harm_are_refused(mistakes, field, name):
    found = mistakes(**{field: name if field == "name" else ["good", name]})
    [where] = found
    assert where.startswith(field)
    assert NAME_RULE in found[where]


def test_a_name_of_ten_thousand_letters_is_refused_in_one_short_line(mistakes):
    line = mistakes(name="a" * 10_000)["name"]
    assert NAME_RULE in line
    assert len(line) < 200


@pytest.mark.parametrize("owner", ["", "a b", "a\n", "a\x00b", "a/b", "a" * 65])
def test_owners_have_no_spaces_or_control_characters(mistakes, owner):
    expected = "expected 1 to 64 characters without spaces and '/'"
    assert mistakes(owner=owner)["owner"].endswith(expected)


@pytest.mark.parametrize("version", [0, 2])
def test_another_schema_version_is_refused(mistakes, version):
    found = mistakes(schema_version=version)
    assert list(found) == ["schema_version"]
    assert "expected 1, the version of jobs that this fitq knows" in found["schema_version"]
    assert "bring client and workers to the same release" in found["schema_version"]


@pytest.mark.parametrize("version", ["1", None, True, 1.5])
def test_a_schema_version_is_a_whole_number(mistakes, version):
    assert list(mistakes(schema_version=version)) == ["schema_version"]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "soon"])
def test_a_timeout_is_a_time_above_zero(mistakes, seconds):
    assert list(mistakes(timeout=seconds)) == ["timeout"]


@pytest.mark.parametrize("rows", [1, 0, 2.5, "all", 60_001])
def test_rows_are_at_least_two_and_no_more_than_there_are(mistakes, rows):
    assert list(mistakes(rows=rows)) == ["rows"]


def test_a_split_is_of_the_rows_that_are_taken(mistakes, train_job):
    # A split that leaves rows of all 60,000 leaves none of two
    found = mistakes(rows=2, validation_split=0.999)
    assert "both sides of mnist's 2 training rows" in found["validation_split"]
    assert train_job(rows=2, validation_split=0.5).rows == 2


@pytest.mark.parametrize("rate", [0, -0.1, 101, float("nan"), float("inf"), "fast"])
def test_a_learning_rate_is_a_number_above_zero(mistakes, rate):
    found = mistakes(optimizer={"name": "sgd", "learning_rate": rate})
    assert list(found) == ["optimizer.learning_rate"]


@pytest.mark.parametrize("seed", [-1, 2**31, 1.5])
def test_a_seed_is_a_whole_number_of_31_bits(mistakes, seed):
    assert list(mistakes(seed=seed)) == ["seed"]


@pytest.mark.parametrize("wrong", [[], {}, [[]], [{}], 3, None, True])
@pytest.mark.parametrize(
    "field",
    [
        *("dataset", "model", "loss", "metrics", "epochs", "validation_split"),
        *("optimizer", "name", "owner", "tags", "device", "seed"),
    ],
)
def test_values_of_any_type_are_answered_never_a_crash(train_values, field, wrong):
    # Given a value of a type that nobody expects there
    # When the job is read
    try:
        TrainJob.parse({**train_values, field: wrong})
    except InvalidInput as error:
        # Then the mistake, if it is one, is found at its place
        assert error.mistakes
        assert all(mistake.where.startswith(field) for mistake in error.mistakes)


# -- models -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cnn", "mlp", "rnn"])
def test_a_name_alone_is_that_model_with_its_defaults(train_job, name):
    assert set(MODELS) == {"cnn", "mlp", "rnn"}
    assert train_job(model=name).model == MODELS[name]()
    assert train_job(model={"type": name}).model == MODELS[name]()


@pytest.mark.parametrize(
    ("model", "option", "scalar", "listed"),
    [
        ("mlp", "units", 64, [64]),
        ("mlp", "dropout", 0.5, [0.5]),
        ("mlp", "activation", "tanh", ["tanh"]),
        ("cnn", "filters", 16, [16]),
        ("rnn", "units", 32, [32]),
    ],
)
def test_a_list_option_takes_one_value_too(train_job, model, option, scalar, listed):
    one = train_job(model={"type": model, option: scalar})
    assert one == train_job(model={"type": model, option: listed})
    assert list(getattr(one.model, option)) == listed


@pytest.mark.parametrize(
    "model",
    [
        {"type": "mlp", "units": [256, 128], "dropout": [0.4, 0.3], "activation": ["relu", "elu"]},
        {"type": "mlp", "units": [8] * 64},
        {"type": "cnn", "filters": [8, 16, 32, 64], "kernel_size": 5, "units": 64, "dropout": 0.1},
        {"type": "cnn", "activation": "gelu"},
        {"type": "rnn", "units": [64, 32], "cell": "gru", "bidirectional": True, "dropout": 0.2},
    ],
)
def test_every_option_of_every_model_is_kept(train_job, model):
    kept = train_job(model=model).model.model_dump(mode="json")
    assert {option: kept[option] for option in model} == model


@pytest.mark.parametrize(
    ("model", "where"),
    [
        ({"type": "mlp", "units": []}, "model.units"),
        ({"type": "mlp", "units": [0]}, "model.units[0]"),
        ({"type": "mlp", "units": [64, 1.5]}, "model.units[1]"),
        ({"type": "mlp", "units": [1] * 65}, "model.units"),
        ({"type": "mlp", "dropout": 1}, "model.dropout[0]"),
        ({"type": "mlp", "activation": "loud"}, "model.activation[0]"),
        ({"type": "cnn", "filters": [1, 2, 3, 4, 5]}, "model.filters"),
        ({"type": "cnn", "units": [1]}, "model.units"),
        ({"type": "cnn", "kernel_size": 12}, "model.kernel_size"),
        ({"type": "cnn", "dropout": -0.1}, "model.dropout"),
        ({"type": "rnn", "cell": "vanilla"}, "model.cell"),
        ({"type": "rnn", "bidirectional": "perhaps"}, "model.bidirectional"),
        ({"units": 3}, "model.type"),
        ({}, "model.type"),
    ],
)
def test_an_option_that_a_model_cannot_have_is_refused_at_its_place(mistakes, model, where):
    assert next(iter(mistakes(model=model))) == where


@pytest.mark.parametrize("option", ["dropout", "activation"])
def test_layers_have_one_value_for_all_or_one_each(mistakes, train_job, option):
    value = {"dropout": 0.5, "activation": "elu"}[option]
    # Given three layers
    # When there is one value, or three
    for count in (1, 3):
        model = train_job(model={"type": "mlp", "units": [9, 8, 7], option: [value] * count}).model
        # Then every layer has it
        place = {"activation": 1, "dropout": 2}[option]
        assert [layer[place] for layer in model.layers()] == [value] * 3
        assert [layer[0] for layer in model.layers()] == [9, 8, 7]
    # But two are refused
    found = mistakes(model={"type": "mlp", "units": [9, 8, 7], option: [value] * 2})
    assert "3 layers, 2 values" in found["model"]


# -- needs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "needs"),
    [
        ({}, Needs()),
        ({"device": "cpu"}, Needs("cpu")),
        ({"min_gpu_memory": "20GiB"}, Needs("gpu", 20 * 2**30)),
        ({"min_gpu_memory": "24GB", "device": "any"}, Needs("gpu", 24 * 10**9)),
        ({"min_gpu_memory": 2**30, "device": "gpu"}, Needs("gpu", 2**30)),
        ({"gpus": 2}, Needs("gpu", gpus=2)),
        ({"gpus": 1}, Needs("gpu", gpus=1)),
    ],
)
def test_what_only_a_gpu_has_makes_the_device_a_gpu(train_job, given, needs):
    job = train_job(**given)
    assert job.needs == needs
    # And what the worker reads back is the same job
    assert parse_spec(json.loads(job.canonical())).digest() == job.digest()


def test_a_size_is_one_however_it_is_written(train_job):
    assert train_job(min_gpu_memory="2GiB").digest() == train_job(min_gpu_memory=2**31).digest()


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"min_gpu_memory": "20"}, {"min_gpu_memory": "expected a size with its unit"}),
        ({"min_gpu_memory": 20}, {"min_gpu_memory": "expected a size with its unit"}),
        ({"min_gpu_memory": 2.5}, {"min_gpu_memory": "expected a valid integer"}),
        ({"min_gpu_memory": True}, {"min_gpu_memory": "expected a valid integer"}),
        ({"min_gpu_memory": "289GiB"}, {"min_gpu_memory": "at most 288 GiB"}),
        ({"min_gpu_memory": "0GiB"}, {"min_gpu_memory": "expected a size with its unit"}),
        ({"gpus": 0}, {"gpus": "of at least 1"}),
        ({"gpus": 17}, {"gpus": "of at most 16"}),
        ({"gpus": "two"}, {"gpus": "expected a valid integer"}),
        ({"priority": "hihg"}, {"priority": "did you mean 'high'?"}),
        (
            {"device": "cpu", "gpus": 2, "min_gpu_memory": "8GB"},
            {"device": "gpu or nothing, since min_gpu_memory and gpus are given"},
        ),
    ],
)
def test_a_need_that_makes_no_sense_is_named(mistakes, given, found):
    named = mistakes(**given)
    assert list(named) == list(found)
    for where, words in found.items():
        assert words in named[where]
