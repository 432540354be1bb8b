"""The faults that can be planted in fitq itself, and what each must be found as."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from storm.auditor import Finding


@dataclass(frozen=True)
class Planted:
    """A fault of fitq itself.

    Attributes:
        brought_out_by: the faults of the storm that bring it to light.
        kind, text: the finding that tells of it, the text as a regular expression.
    """

    brought_out_by: tuple[str, ...]
    kind: str
    text: str

    def among(self, findings: Iterable[Finding]) -> Finding | None:
        """The finding that tells of this fault, if there is one."""
        for finding in findings:
            if finding.kind == self.kind and re.search(self.text, finding.text):
                return finding
        return None


PLANTED = {
    "lease": Planted(("cut", "duplicate"), "doubled", r"was taken from \S+ .*lived undisturbed"),
    "attempt": Planted(("duplicate",), "doubled", r"started attempt \d+ \d+ times"),
    "commit": Planted(
        ("late-commit", "stop"), "outdated", r"succeeded by attempt \d+ after attempt \d+ had begun"
    ),
}
