"""What jobs are listed by: states and kinds that there are."""

from __future__ import annotations

from collections.abc import Sequence

from fitq_shared.errors import InvalidInput
from fitq_shared.record import STATES
from fitq_shared.specs.kinds import KINDS
from fitq_shared.specs.mistakes import unknown_choice


def check_filters(
    states: Sequence[str], kind: str | None, flag: str = "", known: Sequence[str] = STATES
) -> None:
    """See that there are such states and such a kind: else no job would ever match.

    Args:
        flag: what stands before the names "state" and "kind" in messages.
        known: the states that make sense here.

    Raises:
        InvalidInput: names each that there is not; suggests the nearest.
    """
    given = [states] if isinstance(states, str) else states
    wrong = [unknown_choice(f"{flag}state", one, known) for one in given if one not in known]
    if kind is not None and kind not in KINDS:
        wrong.append(unknown_choice(f"{flag}kind", kind, KINDS))
    if wrong:
        raise InvalidInput(wrong)
