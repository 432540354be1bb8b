"""Whether a sweep is the one that somebody has submitted, before any trial of it is made."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from fitq_shared.errors import BadJob
from fitq_shared.specs.base import canonical_json

if TYPE_CHECKING:
    from fitq_shared.signing import Signer
    from fitq_shared.sweeps.record import SweepRecord
    from fitq_shared.sweeps.spec import SweepSpec

# What its proof is for, where that of a job names the job's kind.
KIND = "sweep"


def checked(sweep: SweepRecord, signer: Signer | None) -> SweepSpec:
    """The spec of a sweep, whose trials a worker may then make and sign.

    Raises:
        BadJob: it is another than its hash says or, with a signer, than a trusted key has signed.
        InvalidInput: it makes no sense.
    """
    if hashlib.sha256(canonical_json(sweep.spec).encode()).hexdigest() != sweep.spec_hash:
        raise BadJob("the sweep goes no further, since its record was altered", "submit it again")
    if signer is not None:
        signer.check(sweep.proof, sweep.id, KIND, sweep.spec_hash)
    return sweep.parsed()
