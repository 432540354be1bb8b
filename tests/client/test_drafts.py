from __future__ import annotations

import pytest

from fitq.drafts import Value, complete, options, read_job_file
from fitq_shared.errors import InvalidInput
from fitq_shared.settings import Settings

SETTINGS = Settings(redis_url="", owner="ann")
LEAST = {"kind": "train", "dataset": "mnist", "model": "mlp"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("+3", 3),
        ("0.5", 0.5),
        ("1e-3", 0.001),
        ("true", True),
        ("False", False),
        ("relu", "relu"),
        ("", ""),
        ("256,128", [256, 128]),
        ("0.4, 0.3", [0.4, 0.3]),
        ("relu,elu", ["relu", "elu"]),
        ("64,", [64]),
        (",", []),
        ("1.2.3", "1.2.3"),
        ("0x10", "0x10"),
        (7, 7),
    ],
)
def test_a_flag_s_text_becomes_the_value_that_it_looks_like(text, value):
    found = Value().convert(text, None, None)
    assert found == value
    assert type(found) is type(value)


def test_no_text_is_too_much_for_a_flag():
    """What is wrong with a value the spec says, with all other mistakes."""
    for text in ("9" * 10_000, "-" * 10_000, "nan", "inf", "٣", "\x00"):
        Value().convert(text, None, None)


def test_options_are_read_to_their_first_equals_sign():
    assert options(["units=256,128", " dropout = 0.5", "note=a=b", "units=9"]) == {
        "units": 9,
        "dropout": 0.5,
        "note": "a=b",
    }
    assert options([]) == {}


def test_a_job_file_takes_the_kind_of_its_command(tmp_path):
    path = tmp_path / "job.toml"
    path.write_text("epochs = 3")
    assert read_job_file(path, "train") == {"epochs": 3, "kind": "train"}


def test_a_job_file_of_another_kind_leads_to_its_command(tmp_path):
    path = tmp_path / "job.toml"
    path.write_text('kind = "predict"')
    with pytest.raises(InvalidInput) as caught:
        read_job_file(path, "train")
    assert caught.value.hint == "use `fitq predict`"


def test_what_was_not_given_is_filled_in():
    job = complete({**LEAST, "epochs": None}, SETTINGS)
    assert (job.owner, job.epochs) == ("ann", 5)
    assert job.name


def test_what_was_given_is_kept():
    job = complete({**LEAST, "name": "mine", "owner": "bob", "seed": 3}, SETTINGS)
    assert (job.name, job.owner, job.seed) == ("mine", "bob", 3)


def test_only_trainings_have_a_seed():
    job = complete({"kind": "describe", "dataset": "mnist"}, SETTINGS)
    assert not hasattr(job, "seed")


def test_names_can_be_said_aloud_and_are_always_allowed():
    for _ in range(200):
        assert complete(LEAST, SETTINGS).name.replace("-", "").isalpha()
