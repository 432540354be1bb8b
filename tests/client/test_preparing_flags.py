"""`--preprocess` and the flags of splits, as they land in the spec."""

from __future__ import annotations

import pytest


@pytest.fixture
def dry(fitq):
    """The spec of a training on MNIST with these flags."""

    def run(*arguments):
        ran = fitq("train", "--dataset", "mnist", "--model", "mlp", "--dry-run", *arguments)
        assert ran.code == 0, ran.err
        return ran.json

    return run


def preprocess(*flags):
    return [part for flag in flags for part in ("--preprocess", flag)]


def test_steps_come_in_the_order_of_the_flags(dry):
    table = dry(
        *preprocess("image=resize:height=8,width=8", "@number=normalize", "image=rescale:scale=2")
    )["preprocessing"]
    assert [step["type"] for step in table["image"]] == ["resize", "rescale"]
    assert (table["image"][0]["height"], table["image"][1]["scale"]) == (8, 2)
    assert table["@number"] == [{"type": "normalize"}]


def test_options_may_have_several_values(dry):
    table = dry(
        *preprocess(
            "city=one_hot:categories=oslo|rome", "day=one_hot:range=0|6", "a=one_hot:most=3"
        )
    )["preprocessing"]
    assert table["city"][0]["categories"] == ["oslo", "rome"]
    assert table["day"][0]["range"] == [0, 6]
    assert table["a"][0]["most"] == 3
    [one] = dry(*preprocess("city=index:categories=oslo"))["preprocessing"]["city"]
    assert one["categories"] == ["oslo"]


def test_flags_that_say_nothing_are_all_named(fitq):
    ran = fitq("train", *preprocess("age", "=normalize", "a=", "b=resize:height", "c=normalize"))
    assert ran.code == 2
    assert ran.err.count("--preprocess = ") == 4
    assert "such as text=vectorize:max_tokens=5000,sequence_length=100" in ran.err


def test_flags_replace_what_the_file_says_of_an_input(dry, nowhere):
    (nowhere / "job.toml").write_text(
        'split = "stratified"\n[preprocessing]\nage = "normalize"\n'
        'image = ["rescale", { type = "augment", flip = "horizontal" }]\n'
    )
    spec = dry("-f", "job.toml", *preprocess("image=flatten"), "--test-split", "0.1")
    assert spec["preprocessing"] == {"age": [{"type": "normalize"}], "image": [{"type": "flatten"}]}
    assert spec["split"] == {"by": "stratified", "column": None, "test_split": 0.1}


def test_every_way_to_split_lands_in_the_spec(dry):
    spec = dry("--split-by", "group", "--split-column", "patient", "--validation-split", "0.25")
    assert spec["split"] == {"by": "group", "column": "patient", "test_split": 0.0}
    assert spec["validation_split"] == 0.25


def test_mistakes_in_steps_and_splits_are_named_together(fitq):
    ran = fitq(
        *("train", "--dataset", "mnist", "--model", "mlp", "--split-by", "grup"),
        *("--test-split", "2", *preprocess("a=normalise", "b=resize:height=0")),
    )
    assert ran.code == 2
    for where in ("split.by", "split.test_split", "preprocessing.a[0].type"):
        assert f"{where} = " in ran.err
    assert "preprocessing.b[0].height = 0" in ran.err
    assert "preprocessing.b[0].width is missing" in ran.err
