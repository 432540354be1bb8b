"""What is wrong with the rows of a data set, counted, with the first cases named."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_NAMED = 3


@dataclass
class Findings:
    """Of each sort of mistake how often it was found, and the first cases."""

    _counts: dict[str, int] = field(default_factory=dict)
    _cases: dict[str, list[str]] = field(default_factory=dict)

    def note(self, sort: str, case: str) -> None:
        """One more case of a sort."""
        self._counts[sort] = self._counts.get(sort, 0) + 1
        cases = self._cases.setdefault(sort, [])
        if len(cases) < MOST_NAMED:
            cases.append(case)

    def sentences(self) -> tuple[str, ...]:
        """One for each sort, such as "it has 3 columns, but: line 7 has 2, and 4 more"."""
        return tuple(self._sentence(sort) for sort in self._counts)

    def _sentence(self, sort: str) -> str:
        cases = ", ".join(self._cases[sort])
        more = self._counts[sort] - len(self._cases[sort])
        return f"{sort}: {cases}" + (f", and {more:,} more" if more else "")
