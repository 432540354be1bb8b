"""Trainings, models and sweeps that come to nothing."""

from __future__ import annotations

import pytest

from support.code import write_files

pytestmark = pytest.mark.services


@pytest.fixture
def trained(fitq, tiny):
    """A model that is registered as `wee`, and in production."""
    train = ("train", "--dataset", tiny, "--model", "mlp", "--epochs", 1, "--register", "wee")
    ran = fitq(*train)
    assert ran.code == 0, ran.err
    assert fitq("models", "promote", "wee", "production").code == 0


def test_a_loss_that_is_no_number_any_more_ends_the_job(nowhere, failed, tiny):
    # When a model learns far too fast
    options = ("--learning-rate", 100, "--optimizer", "sgd", "--epochs", 50, "--batch-size", 4)
    source = """
        import keras
        def build():
            return keras.Sequential([keras.Input((4,)), *(keras.layers.Dense(4) for _ in range(9))])
        """
    write_files(nowhere, net=source)
    model = ("--model", "net.py:build", "--loss", "mean_squared_error", "--target", "x")
    said = failed("train", "--dataset", tiny, *model, *options, kind="diverged")
    # Then the epoch is named, and what to change
    assert "the loss became" in said
    assert "epoch" in said
    assert "--learning-rate" in said


def test_an_alias_that_does_not_exist_suggests_the_nearest(trained, refused, tiny):
    for command in (("predict", "wee@prodution", "--dataset", tiny), ("evaluate", "wee@prodution")):
        said = refused(*command)
        assert "wee has no alias 'prodution'; did you mean 'production'?" in said
    assert "did you mean 'wee'?" in refused("evaluate", "wei@production")


def test_a_sweep_without_a_completed_trial_says_why(nowhere, fitq, tiny):
    # Given a builder that never gives a model
    write_files(nowhere, net="def build(units): raise ValueError(f'no {units} units')")
    # When its options are tried
    sweep = ("sweep", "--dataset", tiny, "--model", "net.py:build", "--name", "in-vain")
    ran = fitq(*sweep, "--grid", "units=1,2", "--epochs", 1)
    # Then it has failed, and says how its trials did
    assert ran.code == 1, ran.out + ran.err
    assert "Traceback" not in ran.out + ran.err
    assert "no 1 units" in ran.err
    # And none is the best, but all are there
    best = fitq("sweep", "best", "in-vain")
    assert best.code == 2
    assert "in-vain has no best trial: none was completed" in best.err
    shown = fitq("sweep", "show", "in-vain", "--json").json
    assert [trial["state"] for trial in shown["trials"]] == ["failed", "failed"]
