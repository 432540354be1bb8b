"""Where a model comes from, as its record and its artifacts say."""

from __future__ import annotations

from fitq_shared.lineage import code_hash_of, data_hash_of, dataset_of

CODE = {"type": "code", "bundle": {"sha256": "c" * 64}, "function": "build"}


def test_a_registered_data_set_has_its_version_and_the_hash_of_its_manifest():
    spec = {"dataset": {"name": "houses", "version": 2, "manifest": "d" * 64}}
    assert dataset_of(spec) == "houses@2"
    assert data_hash_of(spec) == "d" * 64


def test_a_data_set_by_name_has_the_hash_of_its_known_sums():
    mnist, fashion = data_hash_of({"dataset": "mnist"}), data_hash_of({"dataset": "fashion_mnist"})
    assert len(mnist or "") == len(fashion or "") == 64
    assert mnist != fashion
    assert data_hash_of({"dataset": "unheard-of"}) is None


def test_the_hash_of_code_is_that_of_all_bundles_wherever_they_are_named():
    assert code_hash_of({"model": {"type": "mlp"}}) is None
    assert code_hash_of({"model": CODE}) == "c" * 64
    both = {"model": CODE, "dataset": {"code": [{"bundle": {"sha256": "e" * 64}}]}}
    assert code_hash_of(both) not in (None, "c" * 64, "e" * 64)
    assert code_hash_of(both) == code_hash_of(dict(reversed(both.items())))
