from __future__ import annotations

from fitq_worker.seldom import AGAIN_SECONDS, Seldom


def test_what_goes_on_is_said_at_once_and_then_once_a_minute() -> None:
    # Given something that is asked about each second, for a little over a minute
    seldom = Seldom()
    said = [second for second in range(int(AGAIN_SECONDS) + 10) if seldom.due(second)]
    # Then it is said at once, and again a minute later
    assert said == [0, AGAIN_SECONDS]
