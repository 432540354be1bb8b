from __future__ import annotations

import importlib
import ssl

import pytest

from fitq_shared.celery_app import make_app
from fitq_shared.queues import queues_served_by
from fitq_shared.settings import Settings


@pytest.fixture
def conf():
    return make_app(Settings(redis_url="redis://127.0.0.1:7001/3")).conf


def test_the_broker_is_the_redis_of_the_settings(conf):
    assert conf.broker_url == "redis://127.0.0.1:7001/3"


def test_nothing_but_json_is_sent_or_taken(conf):
    assert conf.task_serializer == conf.result_serializer == "json"
    assert conf.accept_content == ["json"]


def test_a_message_is_acknowledged_on_receipt_and_nothing_is_prefetched(conf):
    """The record is the truth: the broker's redelivery would lose and double jobs."""
    assert conf.task_acks_late is False
    assert not conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.worker_disable_prefetch is True


def test_no_results_are_kept(conf):
    assert conf.task_ignore_result is True
    assert conf.result_backend is None


def test_flower_sees_every_job(conf):
    assert conf.task_send_sent_event is True
    assert conf.worker_send_task_events is True


def test_a_child_that_imports_keras_is_waited_for(conf):
    assert conf.worker_proc_alive_timeout >= 60


def test_a_worker_outlives_a_restart_of_redis(conf):
    assert conf.broker_connection_retry_on_startup is True
    assert conf.broker_connection_max_retries is None
    assert conf.worker_cancel_long_running_tasks_on_connection_loss is False


def test_a_connection_that_is_dead_without_a_word_is_noticed(conf):
    assert conf.broker_transport_options["socket_timeout"] > 1
    assert conf.broker_transport_options["socket_connect_timeout"] > 0


def test_the_broker_verifies_certificates_as_the_records_do(tmp_path):
    (tmp_path / "ca.pem").touch()
    url = f"rediss://:pw@h:1/0?ssl_ca_certs={tmp_path}/ca.pem"
    conf = make_app(Settings(redis_url=url)).conf
    assert conf.broker_url == "rediss://:pw@h:1/0"
    assert conf.broker_use_ssl["ssl_cert_reqs"] == ssl.CERT_REQUIRED
    assert conf.broker_use_ssl["ssl_ca_certs"] == f"{tmp_path}/ca.pem"


def test_the_broker_asks_the_same_sentinels():
    url = "sentinel://:pw@one:1,two:2/3?master_name=main&sentinel_password=secret"
    conf = make_app(Settings(redis_url=url)).conf
    assert conf.broker_url == "sentinel://:pw@one:1/3;sentinel://:pw@two:2/3"
    assert conf.broker_transport_options["master_name"] == "main"
    assert conf.broker_transport_options["sentinel_kwargs"]["password"] == "secret"
    assert not conf.broker_use_ssl


def test_a_queue_is_one_list_and_is_never_declared():
    """A worker has hundreds: for each connection of each it would take a moment, and a key."""
    app = make_app(Settings(redis_url="redis://127.0.0.1:7001/3"))
    queue = app.amqp.queues["fitq.v1.any.high.3"]
    assert queue.no_declare
    assert queue.routing_key == queue.name
    assert app.conf.broker_transport_options["priority_steps"] == [0]


def test_the_log_names_the_needs_that_a_worker_meets_and_not_each_queue():
    app = make_app(Settings(redis_url="redis://127.0.0.1:7001/3"))
    app.amqp.queues.select(queues_served_by("cpu"))
    shown = app.amqp.queues.format(indent=0, indent_first=False)
    assert shown.splitlines() == [".> fitq.v1.cpu.*", ".> fitq.v1.any.*"]


def test_flower_finds_the_application_of_this_machine(monkeypatch):
    monkeypatch.setenv("FITQ_REDIS_URL", "redis://127.0.0.1:7002/0")
    module = importlib.reload(importlib.import_module("fitq_shared.celery_main"))
    assert module.app.conf.broker_url == "redis://127.0.0.1:7002/0"
