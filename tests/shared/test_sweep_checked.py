"""Of which sweeps a worker makes and signs trials."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fitq_shared.errors import BadJob
from fitq_shared.settings import Settings
from fitq_shared.signing import Signer
from fitq_shared.sweeps.checked import KIND, checked
from fitq_shared.sweeps.record import SweepRecord
from fitq_shared.sweeps.spec import SweepSpec
from support.keys import Keys

SPEC = SweepSpec.parse(
    {
        "name": "brave-otter",
        "owner": "ann",
        "train": {"dataset": "mnist", "model": "mlp"},
        "space": {"lr": [0.1, 0.2]},
    }
)
UNSIGNED = SweepRecord(
    "abc", SPEC.name, "ann", SPEC.model_dump(mode="json"), SPEC.digest(), "running", 1, 0.0
)


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    folder: Path = tmp_path_factory.mktemp("keys")
    keys = Keys(folder)
    keys.make("client")
    made = Signer.from_settings(
        keys.settings(Settings(redis_url="redis://127.0.0.1:1/0"), "client")
    )
    assert made is not None
    return made


def test_a_sweep_is_what_its_hash_says() -> None:
    assert checked(UNSIGNED, None) == SPEC
    altered = replace(UNSIGNED, spec={**UNSIGNED.spec, "trials": 1})
    with pytest.raises(BadJob, match="was altered"):
        checked(altered, None)


def test_who_signs_trials_asks_for_the_sweeps_own_proof(signer: Signer) -> None:
    # Given a sweep that its client has signed
    signed = replace(UNSIGNED, proof=signer.prove("abc", KIND, SPEC.digest()))
    # Then it is accepted, and neither without its proof nor with that of another
    assert checked(signed, signer) == SPEC
    for proof in (None, signer.prove("xyz", KIND, SPEC.digest())):
        with pytest.raises(BadJob):
            checked(replace(signed, proof=proof), signer)
    with pytest.raises(BadJob):
        checked(replace(signed, proof=signer.prove("abc", "train", SPEC.digest())), signer)
