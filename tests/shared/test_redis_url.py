from __future__ import annotations

import ssl

import pytest

from fitq_shared.errors import InvalidInput
from fitq_shared.redis_url import RedisUrl


@pytest.mark.parametrize(
    ("url", "hosts", "database", "login", "broker"),
    [
        ("redis://h", (("h", 6379),), 0, {}, "redis://h:6379/0"),
        ("redis://h:7001/3", (("h", 7001),), 3, {}, "redis://h:7001/3"),
        ("redis://:p%2Fw@h/1", (("h", 6379),), 1, {"password": "p/w"}, "redis://:p%2Fw@h:6379/1"),
        (
            "redis://ann:a@b@h/0",
            (("h", 6379),),
            0,
            {"username": "ann", "password": "a@b"},
            "redis://ann:a%40b@h:6379/0",
        ),
        ("redis://[::1]:7/0", (("::1", 7),), 0, {}, "redis://[::1]:7/0"),
        ("redis://h/0?password=x", (("h", 6379),), 0, {"password": "x"}, "redis://:x@h:6379/0"),
    ],
)
def test_a_url_is_read_for_both_libraries(url, hosts, database, login, broker):
    read = RedisUrl.parse(url)
    assert (read.hosts, read.database, read.login) == (hosts, database, login)
    assert read.broker_url == broker
    assert read.tls == {}
    assert read.master_name is None


def test_sentinels_are_several_hosts_and_a_name():
    read = RedisUrl.parse(
        "sentinel://:pw@one:1,two/4?master_name=main&sentinel_username=s&sentinel_password=t"
    )
    assert read.hosts == (("one", 1), ("two", 26379))
    assert read.master_name == "main"
    assert read.login == {"password": "pw"}
    assert read.sentinel_login == {"username": "s", "password": "t"}
    assert read.broker_url == "sentinel://:pw@one:1/4;sentinel://:pw@two:26379/4"


def test_tls_verifies_unless_it_is_asked_not_to(tmp_path):
    (tmp_path / "ca.pem").touch()
    verified = RedisUrl.parse(f"rediss://h/0?ssl_ca_certs={tmp_path}/ca.pem")
    assert verified.tls == {
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_check_hostname": True,
        "ssl_ca_certs": f"{tmp_path}/ca.pem",
    }
    assert verified.broker_url == "rediss://h:6379/0"
    assert RedisUrl.parse("rediss://h").tls["ssl_cert_reqs"] == ssl.CERT_REQUIRED
    unverified = RedisUrl.parse("rediss://h/0?ssl_cert_reqs=none").tls
    assert unverified == {"ssl_cert_reqs": ssl.CERT_NONE, "ssl_check_hostname": False}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("nonsense", "redis://[:PASSWORD@]HOST:PORT/NUMBER"),
        ("http://host", "redis://[:PASSWORD@]HOST:PORT/NUMBER"),
        ("redis://host:port/0", "rediss:// for TLS"),
        ("redis://[a", "sentinel://"),
        ("redis://", "HOST:PORT"),
        ("redis://h/zero", "HOST:PORT"),
        ("redis://h/0#x", "HOST:PORT"),
        ("redis://a:1,b:2/0", "HOST:PORT"),
        ("redis://:p/w@h/0", "%2F for /"),
        ("redis://h/0?db=1", "options that exist for redis:// (username, password), not 'db'"),
        ("redis://h/0?ssl_ca_certs=x", "not 'ssl_ca_certs'"),
        ("rediss://h/0?ssl_cert_reqs=maybe", "one of required, optional, none"),
        ("rediss://h/0?ssl_check_hostname=2", "one of true, false"),
        ("rediss://h/0?ssl_keyfile=/nowhere", "ssl_keyfile to name a file that can be read"),
        ("sentinel://h:1/0", "?master_name=NAME"),
        ("sentinel://h:1,/0?master_name=m", "HOST:PORT"),
        ("sentinel://h/0?master_name=m&ssl_ca_certs=x", "not 'ssl_ca_certs'"),
    ],
)
def test_a_url_that_is_none_says_what_would_be_right(url, expected):
    with pytest.raises(InvalidInput) as caught:
        RedisUrl.parse(url)
    assert caught.value.message.startswith("FITQ_REDIS_URL = ")
    assert expected in caught.value.message


def test_the_passwords_of_a_wrong_url_are_not_shown():
    with pytest.raises(InvalidInput) as caught:
        RedisUrl.parse("sentinel://:one@h/0?sentinel_password=two&x=1")
    assert "one@" not in caught.value.message
    assert "two" not in caught.value.message
