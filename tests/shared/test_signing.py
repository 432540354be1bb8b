"""Signatures: whose they are, and what they are for."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from celery.security.certificate import Certificate
from celery.security.key import PrivateKey
from celery.security.serialization import SecureSerializer
from kombu.exceptions import DecodeError
from kombu.serialization import loads

from fitq_shared.celery_app import make_app
from fitq_shared.dispatch import send
from fitq_shared.errors import BadJob, InvalidInput
from fitq_shared.record import JobRecord
from fitq_shared.records import Records
from fitq_shared.settings import Settings
from fitq_shared.signing import Signer, check_record
from support.keys import Keys, own_serializers

NOWHERE = Settings(redis_url="redis://127.0.0.1:1/0")
JOB = ("abcd2345", "train", "0" * 64)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    keys = Keys(tmp_path_factory.mktemp("keys"))
    keys.make("client")
    keys.make("worker")
    keys.make("stranger", trusted=False)
    return keys


@pytest.fixture
def client(keys: Keys) -> Signer:
    return signer(keys.settings(NOWHERE, "client"))


@pytest.fixture
def worker(keys: Keys) -> Signer:
    return signer(keys.settings(NOWHERE, "worker"))


@pytest.fixture
def stranger(keys: Keys) -> Signer:
    return signer(keys.settings(NOWHERE, "stranger", keys.cert("stranger")))


def signer(settings: Settings) -> Signer:
    made = Signer.from_settings(settings)
    assert made is not None
    return made


def test_without_settings_nothing_is_signed() -> None:
    assert Signer.from_settings(NOWHERE) is None


def test_a_proof_of_a_trusted_key_is_accepted_for_its_job_and_no_other(
    client: Signer, worker: Signer
) -> None:
    proof = client.prove(*JOB)
    worker.check(proof, *JOB)
    client.check(proof, *JOB)
    for other in (
        ("abcd2346", "train", "0" * 64),
        ("abcd2345", "predict", "0" * 64),
        ("abcd2345", "train", "1" * 64),
    ):
        with pytest.raises(BadJob, match="for another job"):
            worker.check(proof, *other)


def test_a_proof_is_small(client: Signer) -> None:
    assert len(client.prove(*JOB)) < 1200


def test_a_stranger_s_proof_is_refused(stranger: Signer, worker: Signer) -> None:
    with pytest.raises(BadJob, match="no trusted key has signed it") as caught:
        worker.check(stranger.prove(*JOB), *JOB)
    assert "FITQ_SIGNING_CERTS" in caught.value.hint


@pytest.mark.parametrize("proof", [None, "", "x", "====", "é", "\udc80", "A" * 100, "A" * 10_000])
def test_what_is_no_proof_is_refused(worker: Signer, proof: str | None) -> None:
    with pytest.raises(BadJob, match=r"not signed|no trusted key|has 10000 letters"):
        worker.check(proof, *JOB)


def test_a_proof_that_was_altered_anywhere_is_refused(client: Signer, worker: Signer) -> None:
    # Given a proof as it is packed: signer, signature, content type, encoding and body
    packed = base64.b64decode(client.prove(*JOB))
    for place in range(0, len(packed), 5):
        changed = bytearray(packed)
        changed[place] ^= 1
        proof = base64.b64encode(bytes(changed)).decode()
        # Then one changed byte is enough to refuse it, but for the encoding, which nobody reads
        try:
            worker.check(proof, *JOB)
        except BadJob:
            continue
        assert packed.index(b"utf-8") <= place < packed.index(b"utf-8") + 5


def test_the_type_of_a_signed_body_cannot_be_changed(
    keys: Keys, client: Signer, worker: Signer
) -> None:
    # Given a signed body whose type, which no signature covers, says that it is a pickle
    packed = base64.b64decode(client.prove(*JOB))
    changed = packed.replace(b"application/json", b"application/x-python-serialize")
    # Then it is not read as one
    with pytest.raises(BadJob, match="no trusted key"):
        worker.check(base64.b64encode(changed).decode(), *JOB)


def test_a_signed_message_is_no_proof(keys: Keys, worker: Signer) -> None:
    # Given what a client signs as the body of a message
    serializer = SecureSerializer(
        PrivateKey(keys.key("client").read_text()), Certificate(keys.cert("client").read_text())
    )
    body = [[], {"job": JOB[0], "kind": JOB[1], "spec_hash": JOB[2]}, {}]
    for signed in (body, body[1]):
        with pytest.raises(BadJob, match="for another job"):
            worker.check(serializer.serialize(signed), *JOB)


@pytest.mark.parametrize("missing", ["signing_key", "signing_cert", "signing_certs"])
def test_all_three_settings_are_needed(keys: Keys, missing: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        signer(replace(keys.settings(NOWHERE, "client"), **{missing: None}))
    assert caught.value.message.startswith(f"FITQ_{missing.upper()} is missing")


def test_files_that_are_not_right_are_named(keys: Keys, tmp_path: Path) -> None:
    # Given a good set of files
    good = keys.settings(NOWHERE, "client")
    more = Keys(tmp_path / "more")
    more.make("small", bits=1024)
    more.make("old", days=0)
    more.make_elliptic("elliptic")
    (tmp_path / "empty").mkdir()
    cases: list[tuple[str, dict[str, Any]]] = [
        ("FITQ_SIGNING_KEY", {"signing_key": "/nowhere"}),
        ("FITQ_SIGNING_KEY", {"signing_key": good.signing_cert}),
        ("FITQ_SIGNING_KEY", {"signing_key": str(more.key("small"))}),
        ("FITQ_SIGNING_KEY", {"signing_key": str(more.key("elliptic"))}),
        ("FITQ_SIGNING_CERT", {"signing_cert": str(keys.cert("worker"))}),
        ("FITQ_SIGNING_CERT", {"signing_cert": good.signing_key}),
        ("FITQ_SIGNING_CERT", {"signing_cert": str(more.cert("old"))}),
        ("FITQ_SIGNING_CERTS", {"signing_certs": str(tmp_path / "empty")}),
        ("FITQ_SIGNING_CERTS", {"signing_certs": "/nowhere/*.pem"}),
        ("FITQ_SIGNING_CERTS", {"signing_certs": str(keys.cert("worker"))}),
        ("FITQ_SIGNING_CERTS", {"signing_certs": str(keys.key("worker"))}),
        ("FITQ_SIGNING_CERTS", {"signing_certs": str(more.trusted)}),
    ]
    # Then with one of them replaced, that one is named
    for name, changes in cases:
        with pytest.raises(InvalidInput) as caught:
            signer(replace(good, **changes))
        assert caught.value.message.startswith(f"{name} = "), (changes, caught.value.message)


def test_the_commands_of_the_documentation_make_keys_that_work(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        assert not os.environ.get("CI"), "openssl is missing, and in CI nothing may be skipped"
        pytest.skip("openssl is missing")
    # Given the commands on the page about security
    page = Path(__file__).parents[2] / "docs/security.md"
    commands = re.search(r"```sh\n(openssl .*?)```", page.read_text(), re.DOTALL)
    assert commands is not None
    # When they are run
    subprocess.run(["sh", "-ec", commands[1]], cwd=tmp_path, check=True, capture_output=True)
    # Then what they made signs, and is trusted
    made = signer(
        replace(
            NOWHERE,
            signing_key=str(tmp_path / "ann.key"),
            signing_cert=str(tmp_path / "ann.pem"),
            signing_certs=str(tmp_path / "*.pem"),
        )
    )
    made.check(made.prove(*JOB), *JOB)
    assert (tmp_path / "ann.key").stat().st_mode & 0o777 == 0o600


def test_a_record_is_checked_against_its_own_hash(records: Records, train_job: Any) -> None:
    record = records.create(train_job())
    check_record(record, None)
    altered = [
        replace(record, spec={**record.spec, "epochs": 7}),
        replace(record, spec={}),
        replace(record, kind="predict"),
        replace(record, spec_hash="0" * 64),
    ]
    for other in altered:
        with pytest.raises(BadJob, match="its record was altered"):
            check_record(other, None)


def test_a_record_needs_the_proof_of_a_trusted_key(
    records: Records, train_job: Any, client: Signer, worker: Signer
) -> None:
    # Given a record that a client has signed
    spec = train_job()
    record = records.create(spec, lambda job: client.prove(job, spec.kind, spec.digest()))
    check_record(record, worker)
    # Then it is refused without the proof, with that of another job, or with another spec
    other = train_job(epochs=7)
    forged: list[JobRecord] = [
        replace(record, proof=None),
        replace(record, id="abcd2345"),
        replace(record, spec=other.model_dump(mode="json"), spec_hash=other.digest()),
    ]
    for one in forged:
        with pytest.raises(BadJob):
            check_record(one, worker)


def test_an_app_with_keys_sends_signed_messages_and_accepts_no_others(
    keys: Keys, settings: Settings, records: Records, train_job: Any
) -> None:
    with own_serializers():
        # Given an application that signs
        app = make_app(keys.settings(settings, "client"))
        record = records.create(train_job())
        # When it sends a message
        send(app, record)
        # Then its body is signed, and so must be what it accepts: jobs and remote control
        [message] = records.redis.lrange(record.queue, 0, -1)  # type: ignore[misc]
        assert '"content-type": "application/data"' in message
        assert app.conf.accept_content == ["auth"]
        assert app.control.mailbox.serializer == "auth"
        assert app.control.mailbox.accept == ["auth"]
        with pytest.raises(DecodeError):
            loads(b"e30=", "application/data", "utf-8", force=True)
        # Events stay as they are: they are shown, and start nothing
        assert app.conf.event_serializer == "json"
