from __future__ import annotations

from typing import Any

import pytest

from fitq_shared.errors import InvalidInput
from fitq_shared.job_message import JobMessage
from fitq_shared.records import Records
from fitq_shared.texts import shown

GOOD = {"job": "abcd2345", "kind": "train", "attempt": 1, "spec_hash": "0" * 64}


def test_what_is_said_of_a_record_is_understood(records: Records, train_job: Any) -> None:
    record = records.create(train_job())
    message = JobMessage.of(record)
    assert JobMessage.parse(message.arguments()) == message
    assert (message.job, message.kind, message.attempt) == (record.id, "train", 1)
    assert message.spec_hash == record.spec_hash


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("job", value) for value in (None, 5, "", "a/b", "../x", "A", "x" * 33, "a\n", ["x"])],
        *[("kind", value) for value in (None, 1, "", "os.system", ["train"], {"a": 1})],
        *[("attempt", value) for value in (None, "1", 0, -1, 1.0, True, 10**7, 10**5000)],
        *[("spec_hash", value) for value in (None, 0, "", "0" * 63, "G" * 64, "0" * 64 + "\n")],
        ("more", 1),
        ("x" * 10_000, 1),
        ("\x1b[2J", 1),
    ],
    ids=lambda value: shown(value, 20),
)
def test_a_value_that_is_none_of_its_kind_is_named(name: str, value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        JobMessage.parse({**GOOD, name: value})
    [mistake] = caught.value.mistakes
    assert mistake.where in (name, "message")
    assert len(caught.value.message) < 200
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("name", GOOD)
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} is missing"):
        JobMessage.parse({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize("arguments", [None, [], "x", 5])
def test_what_has_no_names_is_refused(arguments: object) -> None:
    with pytest.raises(InvalidInput, match="expected named values"):
        JobMessage.parse(arguments)
