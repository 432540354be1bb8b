"""`fitq doctor`."""

from __future__ import annotations

import http.server
import threading

import pytest

from fitq_shared.redis_link import open_redis
from fitq_shared.workers import WorkerInfo, announce
from support.keys import Keys
from support.redis_server import free_port


def verdicts(ran):
    return {(check["part"], check["verdict"]) for check in ran.json}


def test_without_a_queue_it_says_what_to_do(fitq):
    ran = fitq("doctor")
    assert ran.code == 1
    assert ran.out.startswith("✗ queue    no queue:")
    assert "try: start a local stack with `fitq up`" in ran.out


def test_a_redis_that_is_not_there_fails_and_the_rest_is_still_looked_at(
    fitq, monkeypatch, tmp_path
):
    monkeypatch.setenv("FITQ_REDIS_URL", f"redis://:secret@127.0.0.1:{free_port()}/0")
    monkeypatch.setenv("FITQ_STORE", str(tmp_path))
    ran = fitq("doctor", "--json")
    assert ran.code == 1
    assert verdicts(ran) == {("queue", "failed"), ("store", "ok")}
    assert "secret" not in ran.out


@pytest.mark.services
def test_all_is_well(queue, fitq, redis):
    announce(redis, WorkerInfo("t", "blue", "h", 1, "cpu", "4 cores", "ready", "0", 1.0), 60)
    ran = fitq("doctor", "--json")
    assert ran.code == 0
    assert verdicts(ran) == {("queue", "ok"), ("store", "ok"), ("workers", "ok")}
    shown = fitq("doctor").out
    assert "✓ workers  blue: 4 cores" in shown
    assert f"✓ store    can be written: {queue.store_url}" in shown
    assert "try:" not in shown


@pytest.mark.services
def test_a_worker_that_waits_for_its_device_takes_no_jobs(queue, fitq, redis):
    announce(redis, WorkerInfo("t", "blue", "h", 1, "gpu", "H100", "waiting", "0", 1.0), 60)
    ran = fitq("doctor", "--json")
    assert ran.code == 0
    assert ("workers", "warning") in verdicts(ran)


@pytest.mark.services
def test_a_redis_that_forgets_is_warned_of(queue, fitq, redis):
    # Given a Redis that neither persists its data nor keeps them all
    redis.config_set("appendonly", "no")
    redis.config_set("maxmemory", "512mb")
    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        # When I ask
        ran = fitq("doctor", "--json")
    finally:
        redis.config_set("appendonly", "yes")
        redis.config_set("maxmemory", "0")
        redis.config_set("maxmemory-policy", "noeviction")

    # Then both are said, with what to set; they are no failures
    assert ran.code == 0
    hints = [check["hint"] for check in ran.json if check["part"] == "queue"]
    assert hints == [
        "",
        "start it with `--appendonly yes`",
        "set `maxmemory-policy noeviction`",
    ]


@pytest.mark.services
def test_a_store_that_cannot_be_written_fails(queue, fitq, monkeypatch, tmp_path):
    # Given a store that is a file, in which nothing can be written
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FITQ_STORE", str(tmp_path / "file"))
    ran = fitq("doctor", "--json")
    assert ran.code == 1
    [store] = [check for check in ran.json if check["part"] == "store"]
    assert store["verdict"] == "failed"
    assert "cannot write" in store["found"]
    assert "belongs to the user" in store["hint"]


@pytest.mark.services
def test_without_a_store_it_says_what_does_not_work(queue, fitq, monkeypatch):
    monkeypatch.delenv("FITQ_STORE")
    ran = fitq("doctor", "--json")
    assert ran.code == 0
    assert ("store", "warning") in verdicts(ran)


@pytest.mark.services
def test_looking_at_the_store_leaves_no_file_in_it(queue, fitq, store):
    fitq("doctor")
    assert store.files("doctor") == []


@pytest.mark.services
@pytest.mark.parametrize(("status", "verdict"), [(200, "ok"), (500, "failed"), (None, "failed")])
def test_flower_is_asked_whether_it_is_well(queue, fitq, nowhere, status, verdict):
    # Given a stack whose Flower answers, has failed, or is not there
    class Flower(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthcheck" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Flower)
    url = f"http://127.0.0.1:{server.server_port if status else free_port()}"
    (nowhere / ".fitq").mkdir()
    (nowhere / ".fitq/stack.json").write_text(f'{{"flower_url": "{url}"}}')
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        # When I ask
        ran = fitq("doctor", "--json")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    # Then that is said
    assert ("flower", verdict) in verdicts(ran)
    assert ran.code == (0 if verdict == "ok" else 1)
    assert open_redis(queue).ping()


@pytest.mark.services
def test_a_store_that_is_not_there_is_not_made(queue, fitq, monkeypatch, tmp_path):
    # Given a mistyped store
    monkeypatch.setenv("FITQ_STORE", str(tmp_path / "volum"))
    # When the doctor looks
    ran = fitq("doctor", "--json")
    # Then it says so, and makes none
    assert ran.code == 1
    assert ("store", "failed") in verdicts(ran)
    assert not (tmp_path / "volum").exists()


@pytest.mark.services
def test_signing_is_looked_at_when_it_is_on(queue, fitq, monkeypatch, tmp_path):
    # Given a key that only its owner may read, and a trusted certificate
    keys = Keys(tmp_path / "keys")
    keys.make("ann")
    for name, value in keys.environment("ann").items():
        monkeypatch.setenv(name, value)
    assert ("signing", "ok") in verdicts(fitq("doctor", "--json"))
    # When others may read it, too
    keys.key("ann").chmod(0o644)
    # Then that is said
    ran = fitq("doctor")
    assert f"others may use the key {keys.key('ann')}" in ran.out
    assert "try: chmod 600" in ran.out
    # And a key that is not there fails the check
    keys.key("ann").unlink()
    ran = fitq("doctor")
    assert ran.code == 1
    assert "FITQ_SIGNING_KEY" in ran.out
