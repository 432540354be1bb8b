"""Signatures, so that write access to Redis is not enough to start a job.

Celery's own security serializer ("auth") signs the body of each message. A body alone says too
little: the record that it belongs to, and the headers around it, could be forged. So each record
carries a proof, signed by whoever submitted the job, which names the job, its kind and the sum of
its spec; a worker checks it before an attempt runs.

Celery trusts the certificates that it is given one by one: it follows no chain to an authority.
"""

from __future__ import annotations

import glob
import hashlib
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celery.exceptions import ImproperlyConfigured, SecurityError
from kombu import serialization

from fitq_shared.errors import BadJob, InvalidInput, Mistake
from fitq_shared.settings import Settings
from fitq_shared.specs.base import canonical_json

if TYPE_CHECKING:
    from celery import Celery

    from fitq_shared.record import JobRecord

DIGEST = "sha256"
SMALLEST_KEY_BITS = 2048
PURPOSE = "fitq job"
LARGEST_PROOF = 4096


@dataclass(frozen=True)
class SigningFiles:
    """Where the own key, its certificate, and the trusted certificates are (a folder or a glob)."""

    key: str
    cert: str
    certs: str

    @classmethod
    def of(cls, settings: Settings) -> SigningFiles | None:
        """What the settings name; None when they name nothing.

        Raises:
            InvalidInput: some of the three are set, and not all.
        """
        given = {
            "FITQ_SIGNING_KEY": settings.signing_key,
            "FITQ_SIGNING_CERT": settings.signing_cert,
            "FITQ_SIGNING_CERTS": settings.signing_certs,
        }
        if not any(given.values()):
            return None
        if missing := [name for name, value in given.items() if not value]:
            raise InvalidInput(
                [Mistake(name, None, "a value, since signing needs all three") for name in missing],
                f"set {', '.join(given)}, or none of them to work without signatures",
            )
        return cls(*(value or "" for value in given.values()))


class Signer:
    """Signs with one's own key, and checks against the trusted certificates.

    Args:
        files: PEM files: an RSA key without a password, its certificate, and trusted ones.

    Raises:
        InvalidInput: a file cannot be read, is no RSA key or certificate, has expired, or they do
            not belong together.
    """

    def __init__(self, files: SigningFiles) -> None:
        self.files = files
        self._serializer = _serializer(files)

    @classmethod
    def from_settings(cls, settings: Settings) -> Signer | None:
        """The signer of these settings; None without signing."""
        files = SigningFiles.of(settings)
        return cls(files) if files else None

    def prove(self, job_id: str, kind: str, spec_hash: str) -> str:
        """A signed statement that this job, of this kind and with this spec, was submitted."""
        return str(self._serializer.serialize(_statement(job_id, kind, spec_hash)))

    def check(self, proof: str | None, job_id: str, kind: str, spec_hash: str) -> None:
        """Check a job's proof.

        Raises:
            BadJob: there is none, no trusted key has signed it, or it is for another job.
        """
        if not proof:
            raise _untrusted("it is not signed")
        if len(proof) > LARGEST_PROOF:
            raise _untrusted(f"its signature has {len(proof)} letters")
        try:
            statement: Any = self._serializer.deserialize(proof)
        except SecurityError as error:
            raise _untrusted("no trusted key has signed it") from error
        if statement != _statement(job_id, kind, spec_hash):
            raise _untrusted("its signature is for another job")

    def secure(self, app: Celery) -> None:
        """Let an application send signed messages only, and accept no others.

        Celery keeps the serializer once for the whole process.
        """
        app.conf.update(
            task_serializer="auth",
            result_serializer="auth",
            accept_content=["auth"],
            security_key=self.files.key,
            security_certificate=self.files.cert,
            security_cert_store=self.files.certs,
            security_digest=DIGEST,
        )
        # JSON stays allowed beside it for events, which Celery does not sign.
        app.setup_security(allowed_serializers={"json"})
        serialization.register(
            "auth",
            self._serializer.serialize,
            self._serializer.deserialize,
            content_type="application/data",
            content_encoding="utf-8",
        )


def check_record(record: JobRecord, signer: Signer | None) -> None:
    """Check that a record holds the job that was submitted, before an attempt of it runs.

    Raises:
        BadJob: its kind or its spec is another than its hash says or, with a signer, than a
            trusted key has signed.
    """
    spec_hash = hashlib.sha256(canonical_json(record.spec).encode()).hexdigest()
    if spec_hash != record.spec_hash or record.spec.get("kind") != record.kind:
        raise BadJob("the job was not run, since its record was altered", "submit it again")
    if signer is not None:
        signer.check(record.proof, record.id, record.kind, record.spec_hash)


def _statement(job_id: str, kind: str, spec_hash: str) -> dict[str, str]:
    # Its purpose keeps a proof from passing as a signed message, and the other way round.
    return {"purpose": PURPOSE, "job": job_id, "kind": kind, "spec_hash": spec_hash}


def _untrusted(found: str) -> BadJob:
    return BadJob(
        f"the job was not run, since {found}",
        "submit it with FITQ_SIGNING_KEY set, and its certificate among FITQ_SIGNING_CERTS of the "
        "workers",
    )


def _serializer(files: SigningFiles) -> Any:
    """Celery's own serializer with these keys, narrowed to JSON."""
    text = _text("FITQ_SIGNING_KEY", files.key)
    wrong_key = Mistake(
        "FITQ_SIGNING_KEY",
        files.key,
        f"an RSA key in PEM of at least {SMALLEST_KEY_BITS} bits, without a password",
    )
    try:
        key = _celery("key").PrivateKey(text)
    except (TypeError, SecurityError) as error:
        raise InvalidInput([wrong_key]) from error
    if key._key.key_size < SMALLEST_KEY_BITS:
        raise InvalidInput([wrong_key])
    cert = _certificate("FITQ_SIGNING_CERT", files.cert)
    if cert.get_pubkey() != key._key.public_key():
        raise InvalidInput(
            [Mistake("FITQ_SIGNING_CERT", files.cert, "the certificate of FITQ_SIGNING_KEY")]
        )
    if cert.get_pubkey() not in [other.get_pubkey() for other in _trusted(files.certs)]:
        raise InvalidInput(
            [Mistake("FITQ_SIGNING_CERTS", files.certs, "FITQ_SIGNING_CERT among them")],
            "copy it there, on every machine that is to trust it",
        )
    base: Any = _celery("serialization").SecureSerializer

    class JsonOnly(base):  # type: ignore[misc]
        """The signature covers a body and not its type: Celery would read it as any type."""

        def deserialize(self, data: Any) -> Any:
            try:
                content_type = self._unpack(data)["content_type"]
            except (ValueError, IndexError) as error:
                raise SecurityError(f"not a signed body: {error}") from error
            if content_type != "application/json":
                raise SecurityError("a signed body must be JSON")
            try:
                return super().deserialize(data)
            except SecurityError as error:
                # Celery's words for a certificate that it does not know, or that has expired. Of a
                # bad signature it makes a TypeError (in celery.security.utils, as of 5.7).
                if "certificate" in str(error):
                    raise
                raise SecurityError("bad signature") from error

    return JsonOnly(key, cert, _celery("certificate").FSCertStore(files.certs), DIGEST)


def _celery(module: str) -> Any:
    """A module of Celery's security. They need the package cryptography, which is an extra."""
    try:
        return importlib.import_module(f"celery.security.{module}")
    except (ImportError, ImproperlyConfigured) as error:
        raise InvalidInput(
            "signing needs the package cryptography", "pip install 'fitq-shared[signing]'"
        ) from error


def _trusted(place: str) -> list[Any]:
    pattern = f"{glob.escape(place)}/*" if Path(place).is_dir() else place
    paths = sorted(glob.glob(pattern))  # noqa: PTH207 - the pattern that Celery reads, too
    if not paths:
        raise InvalidInput(
            [Mistake("FITQ_SIGNING_CERTS", place, "a folder or a glob of trusted certificates")]
        )
    found: dict[str, Any] = {}
    for path in paths:
        cert = _certificate("FITQ_SIGNING_CERTS", path)
        if cert.get_id() in found:
            raise InvalidInput(
                [
                    Mistake(
                        "FITQ_SIGNING_CERTS",
                        path,
                        "one certificate for each issuer and serial number",
                    )
                ]
            )
        found[cert.get_id()] = cert
    return list(found.values())


def _certificate(setting: str, path: str) -> Any:
    expected = "a certificate of an RSA key in PEM"
    try:
        cert = _celery("certificate").Certificate(_text(setting, path))
    except SecurityError as error:
        raise InvalidInput([Mistake(setting, path, expected)]) from error
    if cert.has_expired():
        raise InvalidInput(
            [Mistake(setting, path, f"{expected} that has not expired")],
            "make a new one, and take this one away",
        )
    return cert


def _text(setting: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError as error:
        raise InvalidInput([Mistake(setting, path, f"a file ({error.strerror})")]) from error
    except ValueError as error:
        raise InvalidInput([Mistake(setting, path, "a file in PEM")]) from error
