"""Two hosts: two projects with networks of their own, one Redis with TLS, one shared folder."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import missing
from support.compose import Containers, docker
from support.redis_server import free_port
from support.waiting import wait_until

pytestmark = [pytest.mark.compose, pytest.mark.soak, pytest.mark.timeout(900)]

TLS = "deploy/redis-tls.yml"
USER = 10001
LONG = (
    "train --dataset mnist --model mlp --rows 12000 --epochs 5000 --batch-size 128 "
    "--seed 1 --no-wait --json"
)
SHORT = "train --dataset mnist --model mlp --rows 2000 --epochs 1 --seed 1"


@dataclass(frozen=True)
class Hosts:
    """Both hosts, and the folder that both have as their volume.

    Attributes:
        first: has Redis, and a worker that is not started yet.
        second: has a worker.
    """

    first: Containers
    second: Containers
    volume: Path

    def has_checkpoint(self, job: str) -> bool:
        """Whether a job's first attempt has written a checkpoint."""
        return any(self.volume.glob(f"jobs/{job}/attempt-1/checkpoints/*.npz"))


@pytest.fixture
def hosts(images: None, mnist: bytes, tmp_path: Path) -> Iterator[Hosts]:
    """As docs/deploy.md says it, but for the address, which is that of the bridge between them."""
    volume, certificates = tmp_path / "volume", tmp_path / "certificates"
    for folder in (volume, certificates, tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(mnist)) as archive:
        archive.extractall(volume, filter="data")
    give_to_the_images(volume)
    address = "{{(index .IPAM.Config 0).Gateway}}"
    host = docker("network", "inspect", "bridge", "--format", address)
    make_certificate(certificates, host)
    port = free_port()
    url = f"rediss://{host}:{port}/0?ssl_ca_certs=/run/secrets/redis_certificate"
    settings = {"FITQ_VOLUME": str(volume), "FITQ_LEASE_SECONDS": "5", "FITQ_CORE_COUNT": "1"}
    settings |= {"FITQ_WORKER_MEMORY": "2g", "FITQ_REDIS_URL": url}
    if len(os.sched_getaffinity(0)) < 2:
        settings["FITQ_CORE_SHARE"] = "0.5"
    listening = {"FITQ_REDIS_ADDRESS": f"0.0.0.0:{port}"}
    first = Containers(tmp_path / "first", TLS, FITQ_HOST="first", **listening, **settings)
    second = Containers(tmp_path / "second", TLS, FITQ_HOST="second", **settings)
    for project in (first, second):
        for file in certificates.iterdir():
            shutil.copy(file, project.secrets / file.name)
    password = second.secrets / "redis_password"
    password.unlink()
    shutil.copy(first.secrets / "redis_password", password)
    try:
        first.compose("up", "--detach", "--wait", "redis")
        second.compose("up", "--detach", "--wait", "--no-deps", "worker-cpu")
        yield Hosts(first, second, volume)
    finally:
        second.down()
        first.down()


def give_to_the_images(folder: Path) -> None:
    """Let the user of the images write a folder of this host, and what is in it."""
    for path in (folder, *folder.rglob("*")):
        if os.geteuid() == 0:
            os.chown(path, USER, USER)
        elif path.is_dir():
            path.chmod(0o777)


def make_certificate(folder: Path, host: str) -> None:
    """A certificate for Redis, made as docs/deploy.md does it."""
    if not shutil.which("openssl"):
        missing("openssl")
    request = "openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj /CN=queue.example"
    names = ["-addext", f"subjectAltName=IP:{host},DNS:redis"]
    files = ["-keyout", str(folder / "redis.key"), "-out", str(folder / "redis.pem")]
    subprocess.run([*request.split(), *names, *files], check=True, capture_output=True)
    for file in folder.iterdir():
        file.chmod(0o444)


def test_a_job_goes_on_at_another_host_when_its_own_is_lost(hosts: Hosts) -> None:
    # Given a job that the second host runs, with a checkpoint in the folder that both have
    job = json.loads(hosts.first.fitq(LONG))["id"]
    hosts.second.runner(job)
    wait_until(lambda: hosts.has_checkpoint(job), 120, "a checkpoint")
    # And a worker on the first host
    hosts.first.compose("up", "--detach", "--wait", "--no-deps", "worker-cpu")
    listed = json.loads(hosts.first.fitq("workers --json"))
    assert {worker["host"] for worker in listed} == {"first", "second"}
    # When the second host is lost
    hosts.second.compose("kill", "--signal", "KILL", "worker-cpu")
    # Then the job goes on at the first, from the checkpoint
    container = hosts.first.runner(job, attempt=2)
    hosts.first.wait_for_epoch(job)
    assert "checkpoint of attempt 1" in hosts.first.fitq(f"logs {job}"), docker("logs", container)
    record = hosts.first.job(job)
    assert (record["attempt"], record["losses"], record["state"]) == (2, 1, "running")
    hosts.first.fitq(f"cancel {job}")


def test_what_one_host_trains_the_other_predicts_with(hosts: Hosts) -> None:
    # Given a model that the second host has trained
    hosts.first.fitq(f"{SHORT} --name there")
    # When its worker has left, and one of the first host has come
    hosts.second.compose("stop", "worker-cpu")
    hosts.first.compose("up", "--detach", "--wait", "--no-deps", "worker-cpu")
    # Then that predicts with it
    assert "succeeded" in hosts.first.fitq("predict there --dataset mnist --rows 3")
