"""The registry: versions once each, aliases by compare-and-set, references of every form."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from fitq_shared.attempts import Attempts
from fitq_shared.errors import InvalidInput, UnknownModel
from fitq_shared.record import Reason
from fitq_shared.registry import Registry
from fitq_shared.registry_keys import model_key

pytestmark = pytest.mark.services

MANIFEST = "a" * 64


@pytest.fixture
def registry(redis):
    return Registry(redis)


@pytest.fixture
def publish(records, train_job, claim):
    """A training that has succeeded, registered under `model_name` if that is given."""
    count = iter(range(100))

    def make(model_name=None, metrics=None, **changes):
        record = records.create(train_job(model_name=model_name, **changes))
        attempt = claim(record, f"worker-{next(count)}")
        assert Attempts(records).succeed(attempt, MANIFEST, metrics or {"loss": 0.5}, model_name)
        return records.get(record.id)

    return make


def labels(registry, name="mnist"):
    return [version.label for version in registry.model(name).versions]


def test_what_a_training_publishes_becomes_the_next_version(registry, publish):
    # Given a training that asks to be registered, and one that does not
    first = publish("mnist")
    publish()
    # When another one asks
    second = publish("mnist", name="calm-fox", owner="bob")
    # Then the model has two versions, each that of its job
    one, two = registry.model("mnist").versions
    assert (one.label, one.job, one.by) == ("mnist@1", first.id, "ann")
    assert (two.label, two.job_name, two.by) == ("mnist@2", "calm-fox", "bob")
    assert (two.attempt, two.manifest) == (1, MANIFEST)
    assert registry.versions_of(second.id) == ["mnist@2"]


def test_a_publication_that_is_asked_for_twice_is_one_version(records, registry, train_job, claim):
    record = records.create(train_job(model_name="mnist"))
    attempt = claim(record)
    # When the answer was lost on the way, and the worker asks again
    assert Attempts(records).succeed(attempt, MANIFEST, {}, "mnist")
    assert Attempts(records).succeed(attempt, MANIFEST, {}, "mnist")
    # Then
    assert labels(registry) == ["mnist@1"]


def test_an_outdated_attempt_registers_nothing(records, registry, train_job, claim):
    record = records.create(train_job(model_name="mnist"))
    stale = claim(record, "worker-1")
    # Given that the job was given to another worker meanwhile, which has published it
    Attempts(records).give_back(stale, Reason("worker-lost", "gone"), counts="lost")
    newer = claim(records.get(record.id), "worker-2")
    assert Attempts(records).succeed(newer, "b" * 64, {}, "mnist")
    # When the first one wakes up
    assert not Attempts(records).succeed(stale, MANIFEST, {}, "mnist")
    # Then the one version is that of the second
    [version] = registry.model("mnist").versions
    assert (version.attempt, version.manifest) == (2, "b" * 64)


def test_a_job_is_registered_later_once_however_often_asked(registry, publish):
    record = publish()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: registry.register(record, "mnist", "ann"), range(16)))
    assert {version.label for version in made} == {"mnist@1"}
    # And it may be a version of another model too
    assert registry.register(record, "digits", "ann").label == "digits@1"
    assert registry.versions_of(record.id) == ["digits@1", "mnist@1"]


def test_only_what_has_succeeded_is_registered(records, registry, train_job):
    record = records.create(train_job())
    with pytest.raises(InvalidInput, match="brave-otter cannot be registered: it is queued"):
        registry.register(record, "mnist", "ann")


def test_references(registry, publish):
    publish("mnist")
    publish("mnist")
    two = registry.find("mnist@2")
    registry.promote(registry.find("mnist@1"), "production", "ann")
    assert registry.find("mnist") == two
    assert registry.find("mnist@production").version == 1
    assert registry.has("mnist")
    assert not registry.has("mnst")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("mnst", "there is no model 'mnst'; did you mean 'mnist'?"),
        ("mnst@1", "there is no model 'mnst'; did you mean 'mnist'?"),
        ("mnist@prodution", "mnist has no alias 'prodution'; did you mean 'production'?"),
        ("mnist@zzz", "mnist has no alias 'zzz': it has production"),
        ("mnist@7", "mnist has no version 7: it has 1"),
        ("mnist@", "mnist has no alias ''"),
        ("mnist@99999999999999999999", "mnist has no version 99999999999999999999"),
        ("@", "there is no model ''"),
        ("mnist@\x1b[2J", r"mnist has no alias '\x1b[2J'"),
        ("x" * 10_000, "there is no model"),
    ],
)
def test_an_unknown_reference_suggests_the_nearest(registry, publish, reference, message):
    publish("mnist")
    registry.promote(registry.find("mnist"), "production", "ann")
    with pytest.raises(UnknownModel) as found:
        registry.find(reference)
    assert message in found.value.message
    assert len(found.value.message) < 300


def test_an_alias_moves_with_a_history_of_who_and_when(registry, publish):
    publish("mnist")
    publish("mnist")
    one, two = registry.model("mnist").versions
    assert registry.promote(one, "production", "ann")
    assert registry.promote(two, "production", "bob", "accuracy 0.97")
    assert registry.promote(two, "production", "bob")  # it holds it already: no change
    assert registry.unalias("mnist", "production", "cleo") == 2
    history = registry.history("mnist")
    assert [(c.version, c.before, c.by, c.why) for c in history] == [
        (1, 0, "ann", ""),
        (2, 1, "bob", "accuracy 0.97"),
        (0, 2, "cleo", ""),
    ]
    assert history[0].at <= history[1].at <= history[2].at


def test_an_alias_moves_only_from_where_it_was_seen(registry, publish):
    publish("mnist")
    publish("mnist")
    one, two = registry.model("mnist").versions
    registry.promote(one, "production", "ann")
    # When somebody who saw it free, or saw it elsewhere, wants to move it
    assert not registry.promote(two, "production", "bob", held=0)
    assert not registry.promote(two, "production", "bob", held=2)
    # Then it stays, and moves only for who saw it where it is
    assert registry.find("mnist@production") == one
    assert registry.promote(two, "production", "bob", held=1)


def test_an_alias_that_is_not_there_cannot_be_removed(registry, publish):
    publish("mnist")
    with pytest.raises(UnknownModel, match="mnist has no alias 'production': it has none"):
        registry.unalias("mnist", "production", "ann")


def test_the_job_of_a_version_is_not_forgotten_until_it_is_unregistered(records, registry, publish):
    record = publish("mnist")
    version = registry.find("mnist")
    assert records.forget(record) == "registered"
    # When an alias still names it, it is not unregistered either
    registry.promote(version, "production", "ann")
    with pytest.raises(InvalidInput, match="mnist@1 is mnist@production, and is not removed"):
        registry.unregister(version)
    registry.unalias("mnist", "production", "ann")
    assert registry.unregister(version) == "unregistered"
    assert registry.unregister(version) == "gone"
    # Then the job may go, and its number is never used again
    assert records.forget(record) == "forgotten"
    assert registry.models() == []
    assert publish("mnist") and labels(registry) == ["mnist@2"]


def test_what_something_else_has_written_hides_nothing(redis, registry, publish):
    publish("mnist")
    redis.hset(model_key("mnist"), mapping={"version:9": "{", "version:8": "[]", "alias:a": "x"})
    redis.rpush("fitq:model-history:mnist", "nonsense")
    assert labels(registry) == ["mnist@1"]
    assert registry.history("mnist") == []


def test_a_job_that_is_published_once_more_keeps_its_number(
    redis, records, registry, publish, claim
):
    # Given a version whose job Redis has lost, of which the volume knew only that it was running
    record = publish("mnist")
    redis.delete(f"fitq:job:{record.id}")
    fields = {**record.to_fields(), "state": "queued", "attempt": "2"}
    for name in ("manifest", "metrics", "finished", "started", "worker", "device_name", "token"):
        fields.pop(name, None)
    assert records.restore(fields)
    # When it has run again
    assert Attempts(records).succeed(claim(records.get(record.id), "again"), "b" * 64, {}, "mnist")
    # Then it is the same version, and names what was published last
    [version] = registry.model("mnist").versions
    assert (version.label, version.attempt, version.manifest) == ("mnist@1", 2, "b" * 64)
