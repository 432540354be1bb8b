"""What a job says of preprocessing and splits."""

from __future__ import annotations

import json

import pytest

from fitq_shared.errors import InvalidInput
from fitq_shared.specs.kinds import parse_spec
from fitq_shared.specs.preprocessing import kind_mistakes
from fitq_shared.specs.steps import STEPS
from fitq_shared.specs.train import TrainJob


@pytest.fixture
def mistakes(train_values):
    """The mistakes that a training job with these changes has, as "where" -> line."""

    def find(**changes):
        with pytest.raises(InvalidInput) as caught:
            TrainJob.parse({**train_values, **changes})
        return {mistake.where: str(mistake) for mistake in caught.value.mistakes}

    return find


NEEDS = {"resize": {"height": 4, "width": 4}, "center_crop": {"height": 4, "width": 4}}
NEEDS |= {"hash": {"bins": 3}, "augment": {"flip": "both"}}


@pytest.mark.parametrize("name", sorted(STEPS))
def test_each_step_reads_back_as_it_was_written(train_job, name):
    job = train_job(preprocessing={"x": {"type": name, **NEEDS.get(name, {})}})
    again = parse_spec(json.loads(job.canonical()))
    assert again == job
    assert again.digest() == job.digest()


def test_a_step_may_be_a_name_a_table_or_a_list(train_job):
    written = ["normalize", {"type": "normalize"}, ["normalize"]]
    jobs = [train_job(preprocessing={"x": steps}) for steps in written]
    assert len({job.digest() for job in jobs}) == 1


def test_every_mistake_in_steps_has_its_place(mistakes):
    found = mistakes(
        preprocessing={
            "a": "normalise",
            "b": {"type": "resize", "hight": 3, "height": 0},
            "c": ["flatten", {"type": "one_hot", "categories": ["x", "x"], "most": 2}],
            "d": 3,
            "e": {"type": "augment"},
            "f": {"type": "vectorize", "output_mode": "count", "sequence_length": 3},
            "g": {"type": "one_hot", "range": [3, 2]},
            "flatten": {"type": "hash", "bin": 2},
            "@numbers": "normalize",
        }
    )
    assert set(found) == {
        *("preprocessing", "preprocessing.a[0].type", "preprocessing.d"),
        *("preprocessing.b[0].height", "preprocessing.b[0].hight", "preprocessing.b[0].width"),
        *("preprocessing.c[1]", "preprocessing.e[0]", "preprocessing.f[0]", "preprocessing.g[0]"),
        *("preprocessing.flatten[0].bins", "preprocessing.flatten[0].bin"),
    }
    assert "did you mean 'normalize'?" in found["preprocessing.a[0].type"]
    assert "did you mean 'height'?" in found["preprocessing.b[0].hight"]
    assert "one of categories, range and most" in found["preprocessing.c[1]"]
    assert "known are bins, type (did you mean 'bins'?)" in found["preprocessing.flatten[0].bin"]
    assert "did you mean '@number'?" in found["preprocessing"]


def test_kinds_and_steps_must_fit(train_job):
    table = train_job(
        preprocessing={
            "@number": ["normalize", "flatten", "rescale"],
            "@text": "one_hot",
            "photo": [{"type": "resize", "height": 2, "width": 2}, "one_hot"],
            "ghost": "normalize",
        }
    ).preprocessing
    kinds = {"age": "number", "review": "text", "memo": "text", "photo": "image"}
    found = {mistake.where: str(mistake) for mistake in kind_mistakes(table, kinds)}
    assert set(found) == {"preprocessing", "preprocessing.@text[0]", "preprocessing.photo[1]"}
    assert "'ghost'" in found["preprocessing"]
    line = found["preprocessing.photo[1]"]
    assert "expected a step for the image that 'photo' is there: rescale, normalize" in line


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"split": "group"}, "split.column"),
        ({"split": {"by": "column"}}, "split.column"),
        ({"split": {"by": "shuffled", "column": "x"}}, "split.column"),
        ({"split": {"by": "column", "column": "x", "test_split": 0.2}}, "split.test_split"),
        ({"split": {"test_split": 0.5}, "validation_split": 0.5}, "split.test_split"),
        ({"split": {"test_split": 1}}, "split.test_split"),
        ({"split": {"by": "random"}}, "split.by"),
        ({"split": 3}, "split"),
    ],
)
def test_a_split_that_makes_no_sense_is_named(mistakes, changes, where):
    assert list(mistakes(**changes)) == [where]


@pytest.mark.parametrize(
    "split",
    [
        "stratified",
        {"by": "stratified", "column": "sex"},
        {"by": "group", "column": "patient", "test_split": 0.2},
        {"by": "column", "column": "part"},
        {"test_split": 0.79},
    ],
)
def test_every_way_to_split_is_kept(train_job, split):
    job = train_job(split=split)
    assert parse_spec(json.loads(job.canonical())) == job
