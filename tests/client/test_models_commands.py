"""`fitq models` and its commands on registered models, and references to them everywhere."""

from __future__ import annotations

import json

import pytest

from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.registry import Registry
from fitq_shared.rows_used import RowsUsed
from fitq_shared.specs.evaluate import EvaluateJob

pytestmark = pytest.mark.services

ENVIRONMENT = {
    "python": "3.11.2",
    "fitq": "0.1.0",
    "packages": {"keras": "3.15.1", "tensorflow": "2.21.0", "numpy": "2.4.6", "redis": "8"},
}


@pytest.fixture
def registry(redis, queue):
    return Registry(redis)


@pytest.fixture
def publish(succeeded, train_job):
    """A training that has published a model, registered if `model_name` is given."""

    def make(metrics=None, **changes):
        artifacts = {
            AttemptFolder.environment: json.dumps(ENVIRONMENT),
            AttemptFolder.model: b"a model",
        }
        return succeeded(train_job(**changes), artifacts, metrics)

    return make


def test_an_empty_registry_says_how_to_fill_it(fitq, queue):
    ran = fitq("models")
    assert (ran.code, ran.out) == (0, "no model is registered yet\n")
    assert "fitq train" in ran.err or "--register NAME" in ran.err
    assert fitq("models", "--json").json == []


def test_versions_are_listed_with_aliases_and_metrics(fitq, publish):
    # Given two versions, of which one is in production
    first = publish(name="brave-otter", model_name="mnist")
    publish({"val_accuracy": 0.95}, name="calm-fox", model_name="mnist")
    assert fitq("models", "promote", "mnist@1", "production").code == 0
    # When they are listed
    two, one = fitq("models", "--json").json
    # Then
    assert (one["label"], one["aliases"], one["job"]) == ("mnist@1", ["production"], first.id)
    assert (two["label"], two["aliases"]) == ("mnist@2", [])
    assert two["metrics"] == {"val_accuracy": 0.95}
    ran = fitq("models")
    assert "mnist@1" in ran.out
    assert "val_accuracy 0.95" in ran.out
    assert "next: fitq models show mnist@2" in ran.err


def test_a_job_that_succeeded_without_it_is_registered_later(fitq, publish):
    record = publish(name="brave-otter")
    ran = fitq("models", "register", "brave-otter", "mnist")
    assert (ran.code, ran.out) == (0, "brave-otter is mnist@1\n")
    assert fitq("models", "register", record.id, "mnist", "--json").json["version"] == 1
    wrong = fitq("models", "register", "brave-otter", "two words")
    assert wrong.code == 2
    assert "NAME = 'two words': expected 1 to 63 letters" in wrong.err


def test_references_lead_to_the_job_and_are_kept_in_the_spec(fitq, publish):
    # Given a model whose first version is in production
    first = publish(name="brave-otter", model_name="mnist")
    second = publish(name="calm-fox", model_name="mnist")
    fitq("models", "promote", "mnist@1", "production")
    # Then each form leads to the version that it names
    for reference, job, label in (
        ("mnist@production", first.id, "mnist@1"),
        ("mnist@2", second.id, "mnist@2"),
        ("mnist", second.id, "mnist@2"),
        ("brave-otter", first.id, "brave-otter"),
    ):
        spec = fitq("evaluate", reference, "--dry-run").json
        assert (spec["model"]["job"], spec["model"]["name"]) == (job, label)
    spec = fitq("predict", "mnist@production", "--dataset", "mnist", "--dry-run").json
    assert spec["model"]["job"] == first.id
    assert fitq("show", "mnist@production", "--json").json["id"] == first.id
    ran = fitq("pull", "mnist@1")
    assert ran.code == 0
    assert "2 files, each as published" in ran.out
    train = ["train", "--dataset", "mnist", "--model", "mlp", "--init-from", "mnist@2"]
    assert fitq(*train, "--dry-run").json["init_from"]["job"] == second.id


def test_an_unknown_reference_suggests_the_nearest(fitq, publish):
    publish(model_name="mnist")
    fitq("models", "promote", "mnist", "production")
    for command in ("evaluate", "show", "pull"):
        ran = fitq(command, "mnist@prodution")
        assert ran.code == 2
        assert "mnist has no alias 'prodution'; did you mean 'production'?" in ran.err
    assert "did you mean 'mnist'?" in fitq("evaluate", "mnst@1").err
    assert "there is no model 'mnst'; did you mean 'mnist'?" in fitq("evaluate", "mnst").err
    assert "mnist has no version 9: it has 1" in fitq("models", "show", "mnist@9").err


def test_promotion_if_better_on_a_metric(fitq, publish, registry):
    publish({"val_accuracy": 0.9, "charm": 1.0}, model_name="mnist")
    publish({"val_accuracy": 0.8, "charm": 2.0}, model_name="mnist")
    fitq("models", "promote", "mnist@1", "production")
    # When the second is not better
    ran = fitq("models", "promote", "mnist@2", "production", "--if-better", "val_accuracy")
    # Then the alias stays, and the exit code says so
    assert ran.code == 1
    assert "val_accuracy 0.8 is not better than mnist@1's 0.9" in ran.out
    assert registry.find("mnist@production").version == 1
    # A metric whose name does not say which way is better needs a mode
    unsaid = fitq("models", "promote", "mnist@2", "production", "--if-better", "charm")
    assert "mode of charm is missing: expected max or min" in unsaid.err
    options = ["--if-better", "charm", "--mode", "max", "--json"]
    assert fitq("models", "promote", "mnist@2", "production", *options).json["promoted"]
    assert registry.find("mnist@production").version == 2
    unknown = fitq("models", "promote", "mnist@1", "production", "--if-better", "auc")
    assert unknown.code == 2
    assert "expected a metric of mnist@1 (" in unknown.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["promote", "mnist", "12"], "ALIAS = '12': expected 1 to 63"),
        (["promote", "mnist", "a b"], "ALIAS = 'a b': expected 1 to 63"),
        (["promote", "mnist", "a", "--mode", "max"], "expected --if-better METRIC too"),
        (["promote", "mnist", "a", "--evaluation", "b"], "expected --if-better METRIC too"),
        (["unalias", "mnist"], "expected a model and one of its aliases"),
        (["unalias", "mnist@production"], "mnist has no alias 'production'"),
        (["rm", "mnist", "--yes"], "expected a version by its number, such as mnist@3"),
        (["compare", "mnist", "nothing", "none@1"], "there is no model 'none'"),
        (["compare", "mnist"], "MODELS = 'mnist': expected two models at least"),
        (["show", "nothing"], "there is no model 'nothing'"),
    ],
)
def test_what_is_wrong_is_named(fitq, publish, arguments, words):
    publish(model_name="mnist")
    ran = fitq("models", *arguments)
    assert ran.code == 2
    assert words in ran.err


def test_show_tells_the_lineage_evaluations_and_history(fitq, publish, succeeded):
    # Given a version with an evaluation, promoted by ann
    record = publish(model_name="mnist", seed=7)
    spec = EvaluateJob.parse(
        {
            "kind": "evaluate",
            "name": "clever-newt",
            "owner": "ann",
            "dataset": "mnist",
            "model": {
                "job": record.id,
                "attempt": 1,
                "manifest": record.manifest,
                "name": "mnist@1",
            },
        }
    )
    succeeded(spec, metrics={"accuracy": 0.97})
    fitq("models", "promote", "mnist@1", "production")
    # When it is shown
    found = fitq("models", "show", "mnist@production", "--json").json
    # Then
    lineage = found["lineage"]
    assert lineage["job"] == record.id
    assert lineage["dataset"] == "mnist"
    assert len(lineage["data_hash"]) == 64
    assert lineage["spec_hash"] == record.spec_hash
    assert (lineage["seed"], lineage["threads"], lineage["device"]) == (7, 4, "4 cores")
    assert lineage["environment"] == {
        "python": "3.11.2",
        "fitq": "0.1.0",
        "keras": "3.15.1",
        "tensorflow": "2.21.0",
        "numpy": "2.4.6",
    }
    assert [e["metrics"] for e in found["evaluations"]] == [{"accuracy": 0.97}]
    assert [(c["alias"], c["by"]) for c in found["history"]] == [("production", "ann")]
    ran = fitq("models", "show", "mnist@production")
    assert ran.out.startswith("mnist@1  mnist@production\n")
    for words in ("keras 3.15.1", "metrics on mnist test (clever-newt)", "production to version 1"):
        assert words in ran.out


def test_compare_marks_what_differs(fitq, publish):
    publish({"val_accuracy": 0.9}, model_name="mnist", epochs=3)
    publish({"val_accuracy": 0.95}, model_name="mnist", epochs=5)
    rows = fitq("models", "compare", "mnist@1", "mnist@2", "--json").json["rows"]
    by_name = {(row["part"], row["name"]): row for row in rows}
    assert by_name["spec", "epochs"] == {
        "part": "spec",
        "name": "epochs",
        "values": [3, 5],
        "differs": True,
    }
    assert not by_name["spec", "batch_size"]["differs"]
    assert by_name["training", "val_accuracy"]["values"] == [0.9, 0.95]
    ran = fitq("models", "compare", "mnist@1", "mnist@2")
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["*", "spec", "epochs", "3", "5"] in lines
    assert "batch_size" not in ran.out
    assert "rows are the same for all" in ran.err
    assert "batch_size" in fitq("models", "compare", "mnist@1", "mnist@2", "--all").out


def test_compare_puts_only_the_same_rows_into_one_row(fitq, publish, succeeded):
    # Given three versions, of which two were measured on the same rows
    for number, digest in enumerate(("aaaaaa11", "aaaaaa11", "bbbbbb22"), 1):
        record = publish(model_name="homes")
        model = {"job": record.id, "attempt": 1, "manifest": record.manifest, "name": "homes"}
        least = {"kind": "evaluate", "name": "newt", "owner": "ann", "dataset": "mnist"}
        spec = EvaluateJob.parse({**least, "model": model, "split": "validation"})
        rows = RowsUsed("validation", 60, digest)
        succeeded(spec, metrics={"loss": float(number)}, rows_used=rows)
    # Then these are compared, and all three are not
    names = ["homes@1", "homes@2", "homes@3"]
    rows = fitq("models", "compare", *names, "--json").json["rows"]
    measured = {row["part"]: row["values"] for row in rows if row["part"].startswith("mnist ")}
    assert measured == {
        "mnist validation (rows aaaaaa)": [1.0, 2.0, None],
        "mnist validation (rows bbbbbb)": [None, None, 3.0],
    }
    rows = fitq("models", "compare", *names[:2], "--json").json["rows"]
    assert [row["values"] for row in rows if row["part"] == "mnist validation"] == [[1.0, 2.0]]


def test_a_registered_job_is_kept_until_it_is_unregistered(fitq, publish, store):
    record = publish(model_name="mnist", name="brave-otter")
    # When it is to be removed
    ran = fitq("rm", "brave-otter", "--yes")
    # Then it is not
    assert ran.code == 2
    assert "brave-otter has made mnist@1" in ran.err
    assert "first `fitq models rm mnist@1`" in ran.err
    # Nor is it cleared away
    cleared = fitq("gc", "--jobs", "0.001s", "--apply", "--json").json
    assert cleared["waste"] == []
    assert store.exists(f"jobs/{record.id}/attempt-1/model.keras")
    # Once it is unregistered it may go
    assert fitq("models", "rm", "mnist@1", "--yes").code == 0
    assert fitq("rm", "brave-otter", "--yes").code == 0
    assert fitq("models", "--json").json == []


def test_a_version_whose_job_is_gone_is_shown_so(fitq, publish, redis):
    record = publish(model_name="mnist")
    redis.delete(f"fitq:job:{record.id}")
    assert "its job is gone" in fitq("models").out
    ran = fitq("models", "show", "mnist@1")
    assert ran.code == 0
    assert "is gone: try `fitq reindex`" in ran.out


def test_a_training_asks_to_be_registered(fitq):
    assert fitq("train", "--dataset", "mnist", "--model", "mlp", "--register", "a b").code == 2
    arguments = ["--dataset", "mnist", "--model", "mlp", "--register", "mnist", "--dry-run"]
    assert json.loads(fitq("train", *arguments).out)["model_name"] == "mnist"
