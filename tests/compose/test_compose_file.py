"""The compose file itself, read by the engine's own Compose."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.compose import PROFILES, ROOT, Containers

pytestmark = [pytest.mark.compose, pytest.mark.usefixtures("engine")]


@pytest.fixture
def stack(tmp_path: Path) -> Containers:
    return Containers(tmp_path)


@pytest.fixture
def services(stack: Containers) -> dict[str, Any]:
    return dict(
        json.loads(stack.compose("--profile", "*", "config", "--format", "json"))["services"]
    )


@pytest.mark.parametrize("profiles", [(), *[(name,) for name in PROFILES], PROFILES])
def test_the_file_is_clean_with_every_profile(stack: Containers, profiles: tuple[str]) -> None:
    # Given the passwords, and nothing else set
    words = [word for name in profiles for word in ("--profile", name)]
    command = ["docker", "compose", "--env-file", str(stack.secrets.parent / ".env"), *words]
    # When Compose reads the file
    done = subprocess.run(
        [*command, "config", "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    # Then it has nothing to say
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_redis_over_tls_is_a_file_beside_it(stack: Containers) -> None:
    # Given the file that makes Redis speak TLS, over the other
    over = ("--file", str(ROOT / "deploy/redis-tls.yml"))
    # When Compose reads both
    read = json.loads(stack.compose(*over, "--profile", "*", "config", "--format", "json"))
    # Then all that speak to Redis know its certificate, and only Redis its key
    speak = {"worker-cpu", "worker-gpu", "flower", "fitq"}
    for name in speak:
        environment = read["services"][name]["environment"]
        assert environment["FITQ_REDIS_URL"].startswith("rediss://redis:6379/0?ssl_ca_certs=")
    knowing = {
        secret: {
            name
            for name, service in read["services"].items()
            if secret in [one["source"] for one in service.get("secrets", [])]
        }
        for secret in ("redis_certificate", "redis_key")
    }
    assert knowing == {"redis_certificate": {*speak, "redis"}, "redis_key": {"redis"}}


def test_a_start_without_passwords_says_how_to_make_them(tmp_path: Path) -> None:
    # Given a copy of the compose file where no passwords were made
    (tmp_path / "docker-compose.yml").write_text((ROOT / "docker-compose.yml").read_text())
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FITQ_")}
    # When it is started
    done = subprocess.run(
        ["docker", "compose", "up"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    # Then the message names the command that makes them
    assert done.returncode != 0
    assert "deploy/make-secrets" in done.stderr


def test_every_service_is_confined(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["init"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["deploy"]["resources"]["limits"]["memory"], name
        assert service["logging"]["options"]["max-size"], name


def test_nothing_is_published_beyond_this_host(services: dict[str, Any]) -> None:
    ports = {name: service.get("ports", []) for name, service in services.items()}
    assert {name for name, published in ports.items() if published} == {"flower", "store"}
    assert {port["host_ip"] for published in ports.values() for port in published} == {"127.0.0.1"}


def test_a_gpu_worker_sees_all_gpus(services: dict[str, Any]) -> None:
    (devices,) = services["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert (devices["count"], devices["capabilities"]) == (-1, ["gpu"])


def test_all_that_can_be_set_is_in_the_example() -> None:
    files = (ROOT / "docker-compose.yml", ROOT / "deploy/redis-tls.yml")
    text = "".join(file.read_text() for file in files)
    read = set(re.findall(r"\$\{(FITQ_\w+)", text))
    read |= set(re.findall(r"^ +(FITQ_\w+):$", text, re.M))
    example = set(re.findall(r"^#?(FITQ_\w+)=", (ROOT / ".env.example").read_text(), re.M))
    assert len(read) > 10
    assert read - example == {"FITQ_OWNER", "FITQ_LEASE_SECONDS", "FITQ_LOSS_LIMIT"}
    assert example <= read
