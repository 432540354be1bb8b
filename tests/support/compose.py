"""fitq in containers: docker-compose.yml on a real engine, as its user drives it."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from support.redis_server import free_port
from support.waiting import wait_until

ROOT = Path(__file__).parents[2]
PROFILES = ("client", "gpu", "store")


def engine_answers() -> bool:
    """Whether there is a Docker engine here, with Compose."""
    try:
        for command in (["docker", "info"], ["docker", "compose", "version"]):
            subprocess.run(command, capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def docker(*words: str, check: bool = True, **options: Any) -> str:
    """What a docker command prints; its complaints are part of the failure, if it fails."""
    done = subprocess.run(
        ["docker", *words], capture_output=True, text=True, check=False, timeout=900, **options
    )
    assert done.returncode == 0 or not check, f"docker {shlex.join(words)}\n{done.stderr[-4000:]}"
    return done.stdout.strip()


class Containers:
    """A project of its own, with its own passwords, volumes and ports.

    Args:
        folder: for its .env and its secrets.
        over: a compose file that is laid over docker-compose.yml, such as one of deploy/.
        settings: more for its .env.
    """

    def __init__(self, folder: Path, over: str | None = None, **settings: str) -> None:
        self.project = f"fitq-test-{uuid.uuid4().hex[:8]}"
        self.secrets = folder / "secrets"
        self._env_file = folder / ".env"
        self._files = ["docker-compose.yml", *([over] if over else [])]
        self.flower_port = free_port()
        made = [str(ROOT / "deploy/make-secrets"), str(self.secrets)]
        subprocess.run(made, cwd=folder, check=True, capture_output=True)
        settings = {"FITQ_FLOWER_ADDRESS": f"127.0.0.1:{self.flower_port}", **settings}
        with self._env_file.open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in settings.items())

    def compose(self, *words: str, check: bool = True, **options: Any) -> str:
        """What `docker compose` prints for this project, and for no other."""
        return docker("compose", *self._project, *words, check=check, env=self._env, **options)

    def fitq(self, line: str, **options: Any) -> str:
        """What a command of the one-shot client prints."""
        return self.compose("run", "--rm", "-T", "fitq", *shlex.split(line), **options)

    def job(self, reference: str) -> dict[str, Any]:
        """A job's record, as the client shows it."""
        return dict(json.loads(self.fitq(f"show {reference} --json")))

    def workers(self) -> list[str]:
        """The containers of the CPU workers that run."""
        return self.compose("ps", "--quiet", "worker-cpu").split()

    def has_begun(self, container: str, job: str, attempt: int) -> bool:
        """Whether the worker in a container has taken a job's attempt, by its log."""
        done = subprocess.run(
            ["docker", "logs", container],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        return f"[{job}-{attempt}-" in done.stdout

    def runner(self, job: str, attempt: int = 1, seconds: float = 60.0) -> str:
        """The container whose worker has taken a job's attempt, as soon as there is one."""

        def ask() -> str | None:
            there = docker("ps", "--all", "--quiet", *self._of_workers()).split()
            return next((one for one in there if self.has_begun(one, job, attempt)), None)

        return str(wait_until(ask, seconds, f"a worker that takes attempt {attempt} of {job}"))

    def wait_for_epoch(self, job: str) -> None:
        """Return when an epoch of the job's newest attempt has ended."""

        def ask() -> bool:
            record = self.job(job)
            assert record["state"] in ("queued", "running"), record
            path = f"/volume/jobs/{job}/attempt-{record['attempt']}/history.csv"
            rows = self.in_volume("sh", "-c", f"cat {path} 2>/dev/null || true").splitlines()
            return len(rows) > 1

        wait_until(ask, 120, f"an epoch of {job}")

    def in_volume(self, *command: str, **options: Any) -> str:
        """What a program prints in a container that has the volume at /volume."""
        entry = ("--entrypoint", command[0])
        words = ("run", "--rm", "-T", "--no-deps", *entry, "fitq", *command[1:])
        return self.compose(*words, **options)

    def flower(self, path: str) -> Any:
        """What Flower's API answers."""
        login = (self.secrets / "flower_login").read_text().strip()
        request = urllib.request.Request(f"http://127.0.0.1:{self.flower_port}{path}")
        request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def down(self) -> None:
        """Remove all of it, volumes too."""
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "1")

    @property
    def _project(self) -> list[str]:
        files = [word for file in self._files for word in ("--file", str(ROOT / file))]
        return ["--project-name", self.project, "--env-file", str(self._env_file), *files]

    @property
    def _env(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("FITQ_")}

    def _of_workers(self) -> list[str]:
        labels = {"project": self.project, "service": "worker-cpu"}
        return [
            word
            for name, value in labels.items()
            for word in ("--filter", f"label=com.docker.compose.{name}={value}")
        ]
