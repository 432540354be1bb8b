"""A Redis with TLS and with the users of docs/redis-users.acl: who may do what, and who may not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import redis.exceptions as redis_errors

from conftest import missing
from fitq.queue import Queue
from fitq_shared.errors import QueueUnreachable
from fitq_shared.redis_link import Redis, open_redis
from fitq_shared.settings import Settings
from support.certificates import Authority
from support.jobs import training, wait_for_state
from support.redis_server import RedisServer
from support.waiting import wait_until
from support.worker import Worker

USERS = Path(__file__).parents[2] / "docs" / "redis-users.acl"


@dataclass(frozen=True)
class Guarded:
    """A Redis that wants a certificate and a password of everybody."""

    admin: Settings
    certificates: str
    authority: Path

    def settings(self, user: str, certificates: str | None = None) -> Settings:
        """How this user reaches it."""
        url = self.admin.redis_url.partition("?")[0].replace("admin:pw-admin", f"{user}:pw-{user}")
        options = self.certificates if certificates is None else certificates
        return replace(self.admin, redis_url=f"{url}?{options}" if options else url)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The server program of Debian's redis-tools speaks TLS, which the embedded one does not."""
    program = shutil.which("redis-check-rdb")
    if program is None:
        missing("a Redis with TLS: redis-check-rdb, of Debian's redis-tools")
    folder = tmp_path_factory.mktemp("guarded")
    authority = Authority(folder)
    certificate, key = authority.sign("server")
    users = USERS.read_text(encoding="ascii")
    for user in ("admin", "client", "worker", "flower"):
        users = users.replace(f"{user.upper()}-PASSWORD", f"pw-{user}")
    (folder / "users.acl").write_text(users, encoding="ascii")
    own, own_key = authority.sign("anybody")
    options = f"ssl_ca_certs={authority.certificate}&ssl_certfile={own}&ssl_keyfile={own_key}"
    server = RedisServer(
        folder,
        *("--port", "0", "--tls-auth-clients", "yes"),
        *("--tls-ca-cert-file", str(authority.certificate)),
        *("--tls-cert-file", str(certificate), "--tls-key-file", str(key)),
        *("--aclfile", str(folder / "users.acl")),
        program=program,
        port_option="--tls-port",
        url="rediss://admin:pw-admin@127.0.0.1:{port}/0?" + options,
    )
    volume = folder / "volume"
    volume.mkdir()
    admin = replace(server.settings, store_url=str(volume), lease_seconds=5.0)
    yield Guarded(admin, options, authority.certificate)
    server.stop()


@pytest.fixture(scope="module")
def admin(guarded: Guarded) -> Redis:
    return open_redis(guarded.admin)


@pytest.fixture(scope="module")
def worker(guarded: Guarded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    started = Worker(guarded.settings("worker"), tmp_path_factory.mktemp("worker"))
    yield started.wait_until_ready()
    started.stop()


@pytest.fixture
def fitq(guarded: Guarded, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `fitq` as the user `client`."""
    program = str(Path(sys.executable).parent / "fitq")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": "/usr/bin:/bin",
            "FITQ_REDIS_URL": guarded.settings("client").redis_url,
            "FITQ_STORE": guarded.admin.store_url or "",
            "FITQ_OWNER": "tester",
        }
        return subprocess.run(
            [program, *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    return run


def test_client_and_worker_have_all_rights_that_they_need(
    guarded: Guarded,
    admin: Redis,
    worker: Worker,
    fitq: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    # Given a worker with the rights of a worker, which has taken its work over TLS
    admin.acl_log_reset()
    client = Queue(guarded.settings("client"))
    # When a client submits, follows and reads, and cancels another job
    trained = fitq(
        *("train", "--dataset", "mnist", "--model", "mlp", "--option", "units=16"),
        *("--epochs", "1", "--rows", "2000", "--name", "guarded", "--register", "mine"),
    )
    swept = fitq(
        *("sweep", "--dataset", "mnist", "--model", "mlp", "--epochs", "1", "--rows", "500"),
        *("--grid", "lr=0.01", "--name", "guarded-sweep", "--register", "swept"),
    )
    running = client.submit(training(client, epochs=50))
    queued = client.submit(training(client, name="behind", rows=2000))
    wait_for_state(client, running, "running")
    cancelled = [fitq("cancel", record.id) for record in (queued, running)]
    # Then all of it works
    assert trained.returncode == 0, trained.stderr
    assert "guarded succeeded" in trained.stdout
    assert swept.returncode == 0, swept.stderr
    assert [done.returncode for done in cancelled] == [0, 0], cancelled
    assert wait_for_state(client, running, "cancelled", "succeeded").state == "cancelled"
    for command in (("jobs",), ("show", "guarded"), ("watch", "guarded"), ("workers",)):
        assert fitq(*command).returncode == 0, command
    for words in ("promote mine@1 best", "show mine@best", "unalias mine@best", "rm mine@1 --yes"):
        done = fitq("models", *words.split())
        assert done.returncode == 0, done.stderr
    assert fitq("rm", "guarded", "--yes").returncode == 0
    assert fitq("retry", queued.id).returncode == 0
    assert wait_for_state(client, queued, "succeeded", "failed").state == "succeeded"
    # And nothing was refused on the way
    assert [entry["object"] for entry in admin.acl_log()] == []
    assert "NOPERM" not in worker.text()


def test_flower_has_the_rights_that_it_needs(
    guarded: Guarded, admin: Redis, worker: Worker, tmp_path: Path
) -> None:
    # Given a Flower with the rights of Flower
    admin.acl_log_reset()
    environment = {"PATH": "/usr/bin:/bin", "FITQ_REDIS_URL": guarded.settings("flower").redis_url}
    command = [sys.executable, "-m", "celery", "-A", "fitq_shared.celery_main", "flower"]
    log = tmp_path / "flower.log"
    with log.open("wb") as output:
        flower = subprocess.Popen(
            [*command, "--port=0", f"--unix_socket={tmp_path}/flower.sock"],
            env=environment,
            cwd=tmp_path,
            stdout=output,
            stderr=output,
        )
    try:
        # When it has asked the workers for what it shows
        wait_until(
            lambda: "Registered tasks" in log.read_text() or "inspect" in log.read_text(), 60
        )
        client = Queue(guarded.settings("client"))
        client.wait(client.submit(training(client, rows=2000)), 120)
    finally:
        flower.terminate()
        flower.wait(timeout=20)
    # Then nothing was refused
    assert [entry["object"] for entry in admin.acl_log()] == []


@pytest.mark.parametrize("user", ["client", "worker", "flower"])
@pytest.mark.parametrize(
    "command",
    [
        ("FLUSHALL",),
        ("FLUSHDB",),
        ("CONFIG", "GET", "requirepass"),
        ("SHUTDOWN", "NOSAVE"),
        ("KEYS", "*"),
        ("SCAN", "0"),
        ("MONITOR",),
        ("ACL", "LIST"),
        ("GET", "secret"),
        ("SET", "elsewhere", "x"),
        ("EVAL", "return redis.call('GET', 'secret')", "0"),
        ("SCRIPT", "FLUSH"),
        ("PUBLISH", "elsewhere", "x"),
    ],
)
def test_nobody_but_the_administrator_may(
    guarded: Guarded, user: str, command: tuple[str, ...]
) -> None:
    refused = (redis_errors.NoPermissionError, redis_errors.ResponseError)
    with (
        pytest.raises(refused, match=r"permission|can't access"),
        open_redis(guarded.settings(user)) as link,
    ):
        link.execute_command(*command)


@pytest.mark.parametrize(
    "command",
    [
        ("SET", "fitq:lease:cpu:host:0", "mine"),
        ("DEL", "fitq:workers"),
        ("PUBLISH", "/0.celery.pidbox", "{}"),
    ],
)
def test_a_client_cannot_pass_for_a_worker_nor_command_one(
    guarded: Guarded, command: tuple[str, ...]
) -> None:
    with (
        pytest.raises(redis_errors.NoPermissionError),
        open_redis(guarded.settings("client")) as link,
    ):
        link.execute_command(*command)


def refusal(settings: Settings) -> QueueUnreachable:
    """Why these settings do not lead to Redis."""
    client = Queue(settings)
    with pytest.raises(QueueUnreachable) as caught:
        client.jobs()
    assert caught.value.exit_code == 3
    return caught.value


def test_who_does_not_trust_the_authority_is_told_so(guarded: Guarded, tmp_path: Path) -> None:
    # Given clients that trust nobody in particular, or another authority
    for options in ("", f"ssl_ca_certs={Authority(tmp_path, 'another').certificate}"):
        # When they ask, Then they learn which file to name
        error = refusal(guarded.settings("client", options))
        assert "a certificate that is not trusted" in error.message
        assert "ssl_ca_certs=FILE" in error.hint
        assert "pw-client" not in error.message + error.hint


def test_who_has_no_certificate_or_speaks_no_tls_is_told_so(guarded: Guarded) -> None:
    error = refusal(guarded.settings("client", f"ssl_ca_certs={guarded.authority}"))
    assert "ssl_certfile=FILE&ssl_keyfile=FILE" in error.hint
    plain = guarded.settings("client", "")
    error = refusal(replace(plain, redis_url=plain.redis_url.replace("rediss:", "redis:")))
    assert "then it is rediss://" in error.hint


def test_a_wrong_password_is_told_at_once(guarded: Guarded) -> None:
    settings = guarded.settings("client")
    wrong = replace(settings, redis_url=settings.redis_url.replace("pw-client", "pw-wrong"))
    assert "refuses the password" in refusal(wrong).message
