"""Promotion if better, also of two at the same moment."""

from __future__ import annotations

import pytest

from fitq_shared.attempts import Attempts
from fitq_shared.promotion import promote, promote_if_better
from fitq_shared.registry import Registry

pytestmark = pytest.mark.services


@pytest.fixture
def registry(redis):
    return Registry(redis)


@pytest.fixture
def version(records, registry, train_job, claim):
    """A new version of mnist."""
    count = iter(range(100))

    def make():
        record = records.create(train_job(model_name="mnist"))
        assert Attempts(records).succeed(
            claim(record, f"worker-{next(count)}"), "a" * 64, {}, "mnist"
        )
        return registry.find("mnist")

    return make


def if_better(registry, one, values, mode="max"):
    return promote_if_better(
        *(registry, one, "production", "ann"),
        metric="accuracy",
        mode=mode,
        value_of=lambda asked: values[asked.version],
    )


def test_the_first_needs_no_comparison_and_a_better_one_takes_its_place(registry, version):
    first, second, third = version(), version(), version()
    values = {1: 0.9, 2: 0.8, 3: 0.95}
    # The first finds nobody
    assert if_better(registry, first, values).promoted
    # A worse one stays away, and the text says why
    refused = if_better(registry, second, values)
    assert not refused.promoted
    assert refused.text == (
        "mnist@production is mnist@1: accuracy 0.8 is not better than mnist@1's 0.9"
    )
    # A better one comes
    taken = if_better(registry, third, values)
    assert taken.text == "mnist@production is mnist@3: accuracy 0.95 is better than mnist@1's 0.9"
    assert registry.find("mnist@production") == third
    assert registry.history("mnist")[-1].why == "accuracy 0.95, before 0.9"
    # Where less is better it is the other way round
    assert if_better(registry, second, values, "min").promoted


def test_who_holds_it_already_keeps_it(registry, version):
    first = version()
    promote(registry, first, "production", "ann")
    assert if_better(registry, first, {1: 0.1}).text == "mnist@production is mnist@1 already"
    assert len(registry.history("mnist")) == 1


def test_of_two_at_the_same_moment_the_better_one_is_left(registry, version):
    first, second, third = version(), version(), version()
    promote(registry, first, "production", "ann")
    values = {1: 0.5, 2: 0.6, 3: 0.9}
    asked = []

    def value_of(one):
        # Given that the third is promoted while the second is still being compared
        if one == first and not asked:
            asked.append(one)
            promote(registry, third, "production", "bob")
        return values[one.version]

    # When the second has seen only the first
    result = promote_if_better(
        *(registry, second, "production", "ann"),
        metric="accuracy",
        mode="max",
        value_of=value_of,
    )
    # Then it looks again, and the third stays
    assert not result.promoted
    assert registry.find("mnist@production") == third
