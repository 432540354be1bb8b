"""The specs of promotions, exports and reproductions, and what is wrong with them."""

from __future__ import annotations

import pytest

from fitq_shared.errors import InvalidInput
from fitq_shared.specs.kinds import parse_spec

MODEL = {"job": "abcdefgh", "attempt": 1, "manifest": "a" * 64, "name": "mnist@3"}
LEAST = {"name": "n", "owner": "ann", "model": MODEL}
PROMOTE = {**LEAST, "kind": "promote", "model_name": "mnist", "alias": "production"}


def test_summaries():
    assert parse_spec(PROMOTE).summary == "mnist@3 to mnist@production"
    better = parse_spec({**PROMOTE, "metric": "val_accuracy"})
    assert better.summary == "mnist@3 to mnist@production if val_accuracy is better"
    export = parse_spec({**LEAST, "kind": "export", "format": "onnx"})
    assert export.summary == "mnist@3 as onnx"
    again = parse_spec({**LEAST, "kind": "reproduce", "threads": 2})
    assert (again.summary, again.fixed_threads) == ("mnist@3 once more", 2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"alias": "12"}, "alias = '12': expected a word, since a number names a version"),
        ({"alias": "a b"}, "alias = 'a b': expected 1 to 63 letters"),
        ({"model_name": "../x"}, "model_name = '../x': expected 1 to 63 letters"),
        ({"metric": "charm"}, "mode is missing: expected max or min, since 'charm'"),
        ({"mode": "max"}, "mode = 'max': expected nothing, or a metric too"),
        ({"evaluation": "abc"}, "evaluation = 'abc': expected nothing, or a metric too"),
        ({"model": {**MODEL, "name": "mnist@0"}}, "model.name = 'mnist@0'"),
    ],
)
def test_a_promotion_that_cannot_be(changes, words):
    with pytest.raises(InvalidInput) as found:
        parse_spec({**PROMOTE, **changes})
    assert words in found.value.message


def test_an_unknown_format_is_met_with_the_nearest():
    with pytest.raises(InvalidInput, match=r"format = 'onx': .*did you mean 'onnx'"):
        parse_spec({**LEAST, "kind": "export", "format": "onx"})


def test_code_of_the_model_or_of_its_data_needs_a_worker_that_allows_it():
    own = {**MODEL, "code": True}
    assert parse_spec({**LEAST, "kind": "export", "format": "onnx", "model": own}).needs.code
    assert parse_spec({**LEAST, "kind": "reproduce", "code": True}).needs.code
    assert not parse_spec({**LEAST, "kind": "reproduce"}).needs.code
