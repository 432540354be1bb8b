from __future__ import annotations

import pytest

from fitq_shared.durations import exactly, seconds_of
from fitq_shared.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("90", 90), ("90s", 90), ("15min", 900), ("2h", 7200), ("1d", 86400)),
        *(("1.5 h", 5400), (" 0 ", 0), ("0.5", 0.5)),
    ],
)
def test_lengths_of_time_are_understood(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "-1", "2 weeks", "1h30", "1e3", "nan", "२h", "9" * 10]
)
def test_other_text_is_refused_with_what_would_be_right(text):
    with pytest.raises(ValueError, match="a time such as 90, 90s, 15min, 2h or 1d"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((90, "90 s"), (900, "15 min"), (7200, "2 h"), (172800, "2 d"), (5400, "90 min")),
        *((0, "0 s"), (0.5, "0.5 s"), (86401, "86401 s")),
    ],
)
def test_seconds_are_told_without_rounding(seconds, text):
    assert exactly(seconds) == text


@pytest.mark.parametrize(
    ("given", "seconds"), [("2h", 7200.0), (90, 90.0), (0.5, 0.5), (None, None)]
)
def test_a_job_may_say_its_timeout_so(train_job, given, seconds):
    assert train_job(timeout=given).timeout == seconds


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("soon", "timeout = 'soon': expected a time such as 90, 90s, 15min, 2h or 1d"),
        ("0s", "timeout = '0s': expected a number above 0"),
        (-1, "timeout = -1: expected a number above 0"),
    ],
)
def test_a_timeout_that_makes_no_sense_is_named_with_the_other_mistakes(train_job, given, said):
    with pytest.raises(InvalidInput) as caught:
        train_job(timeout=given, epochs=0)
    assert said in caught.value.message
    assert "epochs = 0" in caught.value.message
