from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from fitq.tables import ago, duration, headline, print_json, print_metrics, print_table, took
from support.records import RECORD


def test_off_a_terminal_a_table_is_neither_cut_nor_coloured(capfd):
    print_table(["name", "state"], [["x" * 150, "failed"], [None, 3]])
    lines = capfd.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["name", "state"], ["x" * 150, "failed"], ["3"]]
    assert "\x1b" not in "".join(lines)


def test_what_stands_in_a_table_is_no_markup(capfd):
    print_table(["name"], [["[red]loud[/red]"], ["[/]"], [":smile:"]])
    assert capfd.readouterr().out.split() == ["name", "[red]loud[/red]", "[/]", ":smile:"]


def test_json_can_be_read_back(capfd):
    value = {"name": "grün", "list": [1, None, 0.5]}
    print_json(value)
    assert json.loads(capfd.readouterr().out) == value


def test_metrics_stand_below_each_other(capfd):
    print_metrics({"loss": 0.123456, "val_accuracy": 1.0, "rows": 10_000})
    assert capfd.readouterr().out == (
        "  loss          0.1235\n  val_accuracy  1\n  rows          10000\n"
    )
    print_metrics({})
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("value", "shown"), [(float("nan"), "nan"), (float("inf"), "inf"), (float("-inf"), "-inf")]
)
def test_a_metric_that_is_no_number_is_shown_as_that(capfd, value, shown):
    print_metrics({"loss": value})
    assert capfd.readouterr().out == f"  loss  {shown}\n"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-1, "0 s"),
        (0, "0 s"),
        (0.4, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (7200, "2 h"),
        (2 * 86400, "2 d"),
        (100 * 86400, "100 d"),
    ],
)
def test_a_time_is_told_in_one_unit(seconds, shown):
    assert duration(seconds) == shown


def test_how_long_ago():
    assert ago(None) == ""
    assert ago(time.time() - 3 * 86400) == "3 d ago"


def test_how_long_a_job_took():
    assert took(RECORD) == ""
    assert took(replace(RECORD, started=1000.0, finished=1090.0)) == "90 s"
    assert took(replace(RECORD, started=time.time() - 2 * 3600)) == "2 h"


@pytest.mark.parametrize(
    ("metrics", "shown"),
    [
        ({"loss": 0.1, "accuracy": 0.5, "val_accuracy": 0.98765}, "val_accuracy 0.9877"),
        ({"loss": 0.1, "accuracy": 0.5}, "accuracy 0.5"),
        ({"loss": 0.1}, "loss 0.1"),
        ({"rows": 10_000}, "rows 10000"),
        ({"auc": 0.5}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_a_job_is_compared_by_one_number(metrics, shown):
    assert headline(metrics) == shown


def test_in_a_narrow_terminal_a_table_says_what_it_leaves_out(capfd, monkeypatch):
    # Given a terminal of 34 columns
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "34")
    # When a table is printed that needs more
    print_table(
        ["id", "what", "owner"],
        [["abcd2345", "mlp on mnist, 5 epochs", "somebody-else"]],
        hide=["owner"],
        fold={"what": 16},
    )
    # Then all fits, and what has no room is named
    said = capfd.readouterr()
    assert "abcd2345" in said.out
    assert "mlp on mnist, 5 epochs" in said.out
    assert "somebody" not in said.out
    assert "no room for owner" in said.err
