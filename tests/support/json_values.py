"""Whatever JSON can say, for fuzz tests; with a weight on what tends to break things."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

# JSON may escape half of a surrogate pair; Python reads it, and no encoding takes it.
TEXTS = st.text(st.characters(), max_size=20) | st.sampled_from(
    ["", "\x1b[2J", "\ud800", "a\n", "\x00", "../../etc", "a" * 5000, "1", "nan", "\u202e"]
)
NUMBERS = (
    st.integers()
    | st.floats()
    | st.sampled_from([0, 1, -1, 2**31, 2**63, 10**400, -(10**400), 1e308, 5e-324, -0.0])
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS


def json_values(*words: str) -> st.SearchStrategy[Any]:
    """Any JSON value; its texts and its objects' keys are often one of these words."""
    texts = TEXTS | st.sampled_from(words) if words else TEXTS
    return st.recursive(
        SCALARS | texts,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=12,
    )


def nested(depth: int) -> Any:
    """Lists within lists, as deep as `json.loads` takes them."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value
