from __future__ import annotations

import pytest

from fitq_shared.errors import InvalidInput
from fitq_shared.specs.train import TrainJob

DATASET = {"name": "houses", "version": 1, "manifest": "a" * 64}

FILE = {
    "type": "json",
    "file": {"path": f"inputs/{'a' * 64}.json", "sha256": "a" * 64, "file": "net.json"},
}


@pytest.fixture
def mistakes(train_values):
    """The mistakes that a training job with these changes has, as "where" -> line."""

    def find(**changes):
        with pytest.raises(InvalidInput) as caught:
            TrainJob.parse({**train_values, **changes})
        return {mistake.where: str(mistake) for mistake in caught.value.mistakes}

    return find


def test_a_registered_data_set_leaves_loss_and_metrics_to_its_target(train_job):
    # Given data whose target nobody knows here
    job = train_job(dataset=DATASET)
    # Then the worker chooses by the target
    assert (job.loss, job.metrics) == (None, None)
    assert job.optimizer.name == "adam"


def test_an_autoencoder_on_a_known_data_set_does_so_too(train_job):
    job = train_job(target="image")
    assert (job.target, job.loss, job.metrics) == (("image",), None, None)


def test_losses_and_metrics_may_be_those_of_each_output(train_job):
    job = train_job(
        dataset=DATASET,
        loss={"price": "huber", "sold": "binary_crossentropy"},
        loss_weights={"price": 0.1},
        metrics={"price": "r2_score"},
    )
    assert job.loss == {"price": "huber", "sold": "binary_crossentropy"}
    assert job.metrics == {"price": ("r2_score",)}
    assert TrainJob.parse(job.model_dump(mode="json")) == job


@pytest.mark.parametrize(
    ("changes", "where", "words"),
    [
        ({"loss": {"price": "hubr"}}, "loss.price", "did you mean 'huber'?"),
        ({"metrics": {"price": ["acuracy"]}}, "metrics.price[0]", "did you mean 'accuracy'?"),
        (
            {"loss": {"a": "huber"}, "loss_weights": {"b": 1}},
            "loss_weights",
            "expected one of a",
        ),
        ({"loss_weights": {"a": -1}}, "loss_weights.a", "at least 0"),
        ({"class_weight": "balance"}, "class_weight", "balanced"),
        ({"class_weight": {"a": float("nan")}}, "class_weight.a", "number"),
        ({"inputs": []}, "inputs", "at least 1"),
        ({"mixed_precision": True, "model": FILE}, "mixed_precision", "says itself"),
        (
            {"optimizer": {"name": "adam", "momentum": 0.9}},
            "optimizer",
            "momentum for rmsprop and sgd only, not adam",
        ),
        ({"optimizer": {"schedule": "cosine"}}, "optimizer.schedule.type", "cosine_decay"),
        (
            {"optimizer": {"schedule": {"type": "cosine_decay", "steps": 3}}},
            "optimizer.schedule.steps",
            "known are alpha, epochs, type, warmup_epochs",
        ),
        (
            {
                "optimizer": {
                    "schedule": {
                        "type": "piecewise_constant",
                        "boundaries": [1, 2],
                        "values": [0.1, 0.2],
                    }
                }
            },
            "optimizer.schedule",
            "there are 2 boundaries and 2 values",
        ),
    ],
)
def test_every_mistake_is_named(mistakes, changes, where, words):
    found = mistakes(**changes)
    assert list(found) == [where]
    assert words in found[where]


def test_what_one_output_monitors_only_the_worker_knows(train_job):
    job = train_job(dataset=DATASET, early_stopping={"monitor": "val_price_loss", "mode": "min"})
    assert job.early_stopping.monitor == "val_price_loss"
