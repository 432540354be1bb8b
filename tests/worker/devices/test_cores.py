from __future__ import annotations

import os
from pathlib import Path

import pytest

from fitq_shared.errors import InvalidInput
from fitq_worker.devices.cores import (
    core_limit,
    cpu_quota,
    parse_cores,
    ranges,
    usable_cores,
)

USABLE = (0, 1, 2, 3, 4, 5, 8, 9)


def quota(tmp_path: Path, membership: str, files: dict[str, str]) -> float | None:
    """What is found where /sys/fs/cgroup holds these files."""
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "membership").write_text(membership)
    return cpu_quota(tmp_path, tmp_path / "membership")


# -- control groups, version 2 --------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("150000 100000\n", 1.5),
        ("50000 100000\n", 0.5),
        ("400000 100000\n", 4.0),
        ("max 100000\n", None),
        ("", None),
        ("nonsense\n", None),
    ],
)
def test_the_limit_of_a_container(tmp_path: Path, content: str, expected: float | None) -> None:
    # Given a container, which sees its own group as the root
    assert quota(tmp_path, "0::/\n", {"cpu.max": content}) == expected


def test_the_limits_of_the_groups_above_count(tmp_path: Path) -> None:
    files = {
        "work.slice/cpu.max": "200000 100000",
        "work.slice/a.service/cpu.max": "max 100000",
        "other.slice/cpu.max": "10000 100000",
    }
    assert quota(tmp_path, "0::/work.slice/a.service\n", files) == 2.0


def test_a_group_that_lies_outside_of_what_we_see(tmp_path: Path) -> None:
    assert quota(tmp_path, "0::/../../other\n", {"cpu.max": "300000 100000"}) == 3.0


# -- control groups, version 1 --------------------------------------------------------------


def v1(folder: str, quota: int, period: int = 100_000) -> dict[str, str]:
    return {
        f"{folder}/cpu.cfs_quota_us": f"{quota}\n",
        f"{folder}/cpu.cfs_period_us": f"{period}\n",
    }


OLD = "12:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n"


def test_the_limit_of_a_host_s_group(tmp_path: Path) -> None:
    assert quota(tmp_path, OLD, v1("cpu,cpuacct/docker/abc", 250_000)) == 2.5


def test_the_limit_of_a_container_whose_group_is_mounted_as_the_root(tmp_path: Path) -> None:
    assert quota(tmp_path, OLD, v1("cpu,cpuacct", 50_000, 50_000)) == 1.0


def test_the_controller_by_its_own_name(tmp_path: Path) -> None:
    assert quota(tmp_path, "4:cpu:/\n", v1("cpu", 20_000)) == 0.2


def test_minus_one_is_no_limit(tmp_path: Path) -> None:
    assert quota(tmp_path, OLD, v1("cpu,cpuacct", -1)) is None


def test_other_controllers_do_not_count(tmp_path: Path) -> None:
    assert quota(tmp_path, "3:cpuset:/\n", v1("cpuset", 20_000)) is None


def test_both_versions_side_by_side(tmp_path: Path) -> None:
    files = {**v1("cpu,cpuacct", 100_000), "unified/cpu.max": "max 100000"}
    assert quota(tmp_path, OLD + "0::/\n", files) == 1.0


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path / "nothing", tmp_path / "nothing") is None


# -- cores ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "cores", "limit"),
    [(None, 8, 8), (1.5, 8, 2), (0.2, 8, 1), (16.0, 8, 8), (2.0, 2, 2), (3.01, 8, 4)],
)
def test_how_many_cores_are_of_use(allowed: float | None, cores: int, limit: int) -> None:
    assert core_limit(allowed, cores) == limit


def test_usable_are_the_cores_on_which_the_kernel_lets_us_run() -> None:
    assert set(usable_cores()) == os.sched_getaffinity(0)


@pytest.mark.parametrize(
    ("text", "cores", "written"),
    [
        ("0", (0,), "0"),
        ("0-3", (0, 1, 2, 3), "0-3"),
        ("0,2", (0, 2), "0,2"),
        ("3-3", (3,), "3"),
        ("5,0-2,1", (0, 1, 2, 5), "0-2,5"),
        ("8,9,0", (0, 8, 9), "0,8-9"),
        (" 1 , 2 ", (1, 2), "1-2"),
    ],
)
def test_cores_are_numbers_and_ranges(text: str, cores: tuple[int, ...], written: str) -> None:
    assert parse_cores(text, USABLE) == cores
    assert ranges(cores) == written


@pytest.mark.parametrize(
    "text",
    [
        *("", ",", "x", "0,", "0-", "-1", "0--1", "1.5", "0;1", "0-1-2"),
        *("6", "0-9", "0,99", "3-1", "0,3-1", "0-99999999999999"),
    ],
)
def test_cores_that_make_no_sense_or_are_not_ours(text: str) -> None:
    # Given cores that cannot be read, or that this process may not use
    with pytest.raises(InvalidInput) as caught:
        parse_cores(text, USABLE)
    # Then the message shows what was given, how to write it, and which there are
    assert f"--cores = {text!r}" in caught.value.message
    assert "0-3 or 0,2" in caught.value.message
    assert "among 0-5,8-9" in caught.value.message
