"""How many cases a fuzz test tries: a few, always the same, or many, each time others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

_BOTH: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}

# For a test that is quick, and that `make soak` need not try with more cases.
few: Any = settings(max_examples=60, derandomize=True, **_BOTH)

# A test marked with this takes the settings as `cases`: `make test` runs it with a few cases,
# `make soak` with many.
few_and_many = pytest.mark.parametrize(
    "cases",
    [
        pytest.param(
            settings(max_examples=80, derandomize=True, stateful_step_count=40, **_BOTH),
            id="few",
            # It takes far less; but what fails is made as short as can be within five minutes.
            marks=pytest.mark.timeout(600),
        ),
        pytest.param(
            settings(max_examples=3000, print_blob=True, stateful_step_count=40, **_BOTH),
            id="many",
            marks=[pytest.mark.soak, pytest.mark.timeout(1800)],
        ),
    ],
)
