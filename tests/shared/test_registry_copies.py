"""The copies of the registry in the volume, and what comes back from them."""

from __future__ import annotations

import pytest

from fitq_shared import registry_copies
from fitq_shared.attempts import Attempts
from fitq_shared.registry import Registry
from fitq_shared.registry_keys import UNKEPT_MODELS

pytestmark = pytest.mark.services


@pytest.fixture
def registry(redis):
    return Registry(redis)


@pytest.fixture
def publish(records, train_job, claim):
    count = iter(range(100))

    def make(name="mnist"):
        record = records.create(train_job(model_name=name))
        attempt = claim(record, f"worker-{next(count)}")
        assert Attempts(records).succeed(attempt, "a" * 64, {"loss": 0.5}, name)
        return records.get(record.id)

    return make


def keep_all(store, registry):
    for name in list(registry.unkept()):
        copy = registry_copies.copy_of(registry, name)
        registry_copies.keep(store, copy)
        registry.kept(name, copy.revision)


def restore_all(store, registry):
    for copy in registry_copies.read_copies(store):
        registry.restore(
            *(copy.model.name, copy.life, copy.model.versions, copy.model.aliases),
            *(copy.gone, copy.history),
        )


def state(registry, name="mnist"):
    model = registry.model(name)
    return [(v.version, v.job) for v in model.versions], dict(model.aliases)


def test_what_changes_is_copied_once_and_a_change_meanwhile_again(redis, registry, publish, store):
    publish()
    assert list(registry.unkept()) == ["mnist"]
    # Given a copy that was made before another change
    old = registry_copies.copy_of(registry, "mnist")
    publish()
    # When it is written
    registry_copies.keep(store, old)
    registry.kept("mnist", old.revision)
    # Then another copy is needed
    assert list(registry.unkept()) == ["mnist"]
    keep_all(store, registry)
    assert redis.smembers(UNKEPT_MODELS) == set()
    [copy] = registry_copies.read_copies(store)
    assert len(copy.model.versions) == 2


def test_all_comes_back_after_redis_has_lost_it(redis, registry, publish, store):
    # Given two versions, one of them promoted, and one that was unregistered
    for _ in range(3):
        publish()
    registry.promote(registry.find("mnist@1"), "production", "ann")
    registry.unregister(registry.find("mnist@2"))
    keep_all(store, registry)
    before, history = state(registry), registry.history("mnist")
    # When Redis has lost everything, and gets it back, twice
    redis.flushall()
    restore_all(store, registry)
    restore_all(store, registry)
    # Then all is as it was, and the unregistered one stays away
    assert state(registry) == before
    assert registry.history("mnist") == history
    assert len(before[0]) == 2
    # And numbers go on
    publish()
    assert registry.find("mnist").version == 4


def test_what_redis_has_begun_anew_stays_as_it_is(redis, registry, publish, store):
    # Given a model that Redis has lost, and another of its name that was begun since
    first = publish()
    registry.promote(registry.find("mnist@1"), "production", "ann")
    registry.promote(registry.find("mnist@1"), "staging", "ann")
    keep_all(store, registry)
    redis.flushall()
    second = publish()
    registry.promote(registry.find("mnist@1"), "production", "bob")
    keep_all(store, registry)
    assert len(store.files("models/mnist")) == 2  # neither has replaced the other
    # When the lost one comes back
    restore_all(store, registry)
    # Then it has the next number, aliases that were free, and the older history first
    assert state(registry) == (
        [(1, second.id), (2, first.id)],
        {"production": 1, "staging": 2},
    )
    assert [change.by for change in registry.history("mnist")] == ["ann", "ann", "bob"]
    assert registry.versions_of(first.id) == ["mnist@2"]
    # And an alias that is removed later does not come back
    registry.unalias("mnist", "staging", "bob")
    restore_all(store, registry)
    assert dict(registry.model("mnist").aliases) == {"production": 1}


def test_files_that_are_no_copies_are_passed_over(registry, publish, store):
    publish()
    keep_all(store, registry)
    store.write("models/mnist/0123456789abcdef.json", b"{")
    store.write("models/mnist/1123456789abcdef.json", b'{"fields": [], "history": {}}')
    store.write("models/mnist/notes.txt", b"mine")
    store.write("models/deep/er/0123456789abcdef.json", b"{}")
    [copy] = registry_copies.read_copies(store)
    assert registry_copies.lost_versions(registry, copy) == []


def test_a_name_that_would_leave_the_folder_is_never_a_path(redis, registry, store):
    redis.hset("fitq:model:../../etc", mapping={"life": "0123456789abcdef", "revision": "1"})
    redis.sadd(UNKEPT_MODELS, "../../etc")
    keep_all(store, registry)
    assert store.files("models") == []
    assert redis.smembers(UNKEPT_MODELS) == set()
