from __future__ import annotations

import base64
import http.client
import json
import stat
from urllib.parse import urlsplit

import psutil
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from fitq.stack.addresses import Addresses
from fitq.stack.local_stack import LocalStack
from fitq.stack.process_record import ProcessRecord
from fitq.stack.supervision import Supervisor
from fitq.stack.worker_plan import WorkerPlan
from fitq_shared.celery_app import make_app
from fitq_shared.redis_link import open_redis
from fitq_shared.settings import Settings
from fitq_shared.workers import list_workers

pytestmark = pytest.mark.services


def flower_get(addresses: Addresses, path: str, login: str = "") -> tuple[int, str]:
    parts = urlsplit(addresses.flower_url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    connection.request("GET", path, headers=headers if login else {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def login_of(addresses: Addresses) -> str:
    return f"{addresses.flower_user}:{addresses.flower_password}"


def test_redis_is_open_to_those_who_know_the_password(addresses):
    # Given the address of the stack's Redis
    # When I ping it with the password in it
    with redis.Redis.from_url(addresses.redis_url) as link:
        answer = link.ping()

    # Then it answers
    assert answer


@pytest.mark.parametrize("password", [None, "guess"])
def test_redis_refuses_those_who_do_not(addresses, password):
    # Given the address without its password, or with another
    parts = urlsplit(addresses.redis_url)
    once = Retry(NoBackoff(), 0)
    link = redis.Redis(host=parts.hostname, port=parts.port, password=password, retry=once)

    # When I ping it
    # Then I am refused
    with link, pytest.raises(redis.AuthenticationError):
        link.ping()


def test_redis_keeps_every_write_and_forgets_nothing(addresses):
    # Given the stack's Redis
    # When I ask for its settings
    with redis.Redis.from_url(addresses.redis_url, decode_responses=True) as link:
        settings = link.config_get("append*", "maxmemory-policy")

    # Then writes go to the append-only file, and nothing is evicted
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "everysec"
    assert settings["maxmemory-policy"] == "noeviction"


@pytest.mark.parametrize("login", ["", "fitq:guess"])
@pytest.mark.parametrize("path", ["/api/workers", "/workers"])
def test_flower_wants_a_login(addresses, path, login):
    # Given no login, or a wrong one
    # When I ask for a page or the API
    status, _ = flower_get(addresses, path, login)

    # Then I may not see it
    assert status == 401


def test_flower_answers_with_the_login(addresses):
    # Given the login that `fitq up` tells
    # When I ask for the tasks
    status, text = flower_get(addresses, "/api/tasks", login_of(addresses))

    # Then I get them
    assert status == 200
    assert json.loads(text) == {}


def test_flower_goes_on_after_redis_has_crashed(shared_stack, addresses, helpers):
    # Given something in Redis
    settings = Settings(addresses.redis_url)
    with open_redis(settings, patient=True) as link:
        link.set("precious", "kept")

        # When Redis is killed
        before = link.info("server")["process_id"]
        psutil.Process(before).kill()

        # Then it is started again, with what it had
        helpers.wait_until(lambda: link.info("server")["process_id"] != before, "a new Redis")
        assert link.get("precious") == "kept"

    # And Flower hears again of what happens
    app = make_app(settings)

    def flower_knows_the_worker() -> bool:
        with app.connection() as connection, app.events.Dispatcher(connection) as events:
            events.hostname = "celery@after-the-crash"
            events.send("worker-online")
        _, text = flower_get(addresses, "/workers?json=1", login_of(addresses))
        return "after-the-crash" in text

    helpers.wait_until(flower_knows_the_worker, "Flower hears an event")


def test_everything_listens_on_the_loopback_address_only(shared_stack, helpers):
    # Given all processes of the stack
    processes = helpers.processes(shared_stack.folder).values()

    # When I look where they listen
    listening = [
        connection.laddr.ip
        for one in processes
        for connection in one.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]

    # Then it is 127.0.0.1 alone
    assert set(listening) == {"127.0.0.1"}


def test_files_are_private(shared_stack):
    # Given the folder of the stack
    # When I look at the modes of all that is in it
    root = shared_stack.folder.root
    open_to_others = [
        file for file in (root, *root.rglob("*")) if stat.S_IMODE(file.stat().st_mode) & 0o077
    ]

    # Then others may do nothing
    assert open_to_others == []


def test_no_command_line_shows_a_password(shared_stack, addresses, helpers):
    # Given the passwords
    passwords = {urlsplit(addresses.redis_url).password, addresses.flower_password}

    # When I list the processes as any user can
    lines = [" ".join(one.cmdline()) for one in helpers.processes(shared_stack.folder).values()]

    # Then none of them shows a password
    assert [line for line in lines if any(password in line for password in passwords)] == []


def test_each_worker_gets_its_device(shared_stack, addresses, helpers):
    # Given a stack of two workers
    # When I list the workers
    def devices() -> list[str]:
        with open_redis(Settings(addresses.redis_url)) as link:
            return sorted(worker.device_name for worker in list_workers(link))

    # Then each was told its own device, and that it may run its user's code
    expected = ["--device cpu --allow-code", "--device cpu --cores 0 --allow-code"]
    helpers.wait_until(lambda: devices() == expected, "both workers")


def test_settings_are_found_from_below(shared_stack, addresses):
    # Given a folder somewhere below the stack's
    below = shared_stack.folder.project / "notebooks"
    below.mkdir(exist_ok=True)

    # When a client looks for its settings there
    settings = Settings.load(environ={}, start=below)

    # Then it finds the stack's
    assert settings.redis_url == addresses.redis_url
    assert settings.store_url == str(shared_stack.folder.volume)
    assert settings.flower_url == addresses.flower_url


def test_up_again_changes_nothing(shared_stack, addresses, helpers):
    # Given a running stack
    before = {one.pid for one in helpers.processes(shared_stack.folder).values()}

    # When I start it again, even with other workers
    found, started = shared_stack.up([WorkerPlan("cpu")] * 3)

    # Then I am told that it is up, and it is as it was
    assert not started
    assert found == addresses
    assert {one.pid for one in helpers.processes(shared_stack.folder).values()} == before


def test_a_killed_worker_is_restarted(shared_stack: LocalStack, addresses, helpers):
    # Given a worker
    def pids() -> set[int]:
        with open_redis(Settings(addresses.redis_url)) as link:
            return {worker.pid for worker in list_workers(link)}

    helpers.wait_until(lambda: len(pids()) == 2, "both workers")
    before = pids()

    # When it is killed
    psutil.Process(min(before)).kill()

    # Then another takes its place, and the other worker has not noticed
    helpers.wait_until(lambda: len(pids()) == 2 and pids() != before, "a new worker")
    assert max(before) in pids()


def test_a_worker_that_has_left_comes_back_with_the_next_up(stack, helpers):
    # Given a stack with two workers, of which one has left as `fitq drain` asks it to
    addresses, _ = stack.up([WorkerPlan("cpu", (0,)), WorkerPlan("cpu")], flower=False)
    record = ProcessRecord.load(stack.folder)
    states = Supervisor(record.socket).states
    helpers.wait_until(lambda: states()["worker-1"].state == "RUNNING", "a worker that has started")
    psutil.Process(states()["worker-1"].pid).terminate()
    helpers.wait_until(lambda: states()["worker-1"].state == "EXITED", "a worker that has left")
    before = {name: state.pid for name, state in states().items()}

    # When the stack is to be started
    told = []
    found, started = stack.up(tell=told.append)

    # Then it was up, and that worker takes jobs again; the others have not noticed
    assert (found, started) == (addresses, False)
    assert told == ["waiting for the workers that had left (1); they import Keras first"]
    after = {name: state.pid for name, state in states().items()}
    assert after == {**before, "worker-1": after["worker-1"]}
    with open_redis(Settings(addresses.redis_url)) as link:
        assert after["worker-1"] in {worker.pid for worker in list_workers(link)}

    # And all of it ends with the stack
    processes = helpers.processes(stack.folder)
    assert stack.down()
    assert set(processes) == {"supervisor", "redis", "worker-1", "worker-2"}
    assert all(helpers.has_ended(one) for one in processes.values())
