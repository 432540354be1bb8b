"""RSA keys and self-signed certificates, as `openssl req -x509` makes them."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from kombu.serialization import registry

from fitq_shared.settings import Settings

_OF_REGISTRY = (
    *("_encoders", "_decoders", "_disabled_content_types", "type_to_name", "name_to_type"),
    *("_default_encode", "_default_content_type", "_default_content_encoding"),
)


@contextlib.contextmanager
def own_serializers() -> Iterator[None]:
    """Celery keeps its signing serializer once for the process: leave none behind."""
    before = {name: getattr(registry, name) for name in _OF_REGISTRY}
    for name, value in before.items():
        setattr(registry, name, value.copy() if isinstance(value, dict | set) else value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(registry, name, value)


class Keys:
    """Keys and certificates by name, in a folder; trusted ones also in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.trusted = folder / "trusted"
        self.trusted.mkdir(parents=True)

    def make(self, name: str, *, trusted: bool = True, bits: int = 2048, days: int = 1) -> None:
        """A new key with its certificate, which is valid for so many days from yesterday on."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        self._write(name, key, days, trusted)

    def make_elliptic(self, name: str) -> None:
        """A key of another kind than RSA."""
        self._write(name, ec.generate_private_key(ec.SECP256R1()), 1, trusted=False)

    def key(self, name: str) -> Path:
        return self._folder / f"{name}.key"

    def cert(self, name: str) -> Path:
        return self._folder / f"{name}.pem"

    def settings(self, settings: Settings, name: str, certs: Path | None = None) -> Settings:
        """The settings with this key."""
        return replace(
            settings,
            signing_key=str(self.key(name)),
            signing_cert=str(self.cert(name)),
            signing_certs=str(certs or self.trusted),
        )

    def environment(self, name: str) -> dict[str, str]:
        """The same for a process."""
        return {
            "FITQ_SIGNING_KEY": str(self.key(name)),
            "FITQ_SIGNING_CERT": str(self.cert(name)),
            "FITQ_SIGNING_CERTS": str(self.trusted),
        }

    def _write(
        self,
        name: str,
        key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
        days: int,
        trusted: bool,
    ) -> None:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"fitq {name}")])
        start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
        cert = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(
                start + datetime.timedelta(days=1 + days, minutes=-1 if not days else 0)
            )
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        content = key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.key(name).write_bytes(content)
        self.key(name).chmod(0o600)
        self.cert(name).write_bytes(cert.public_bytes(pem))
        if trusted:
            (self.trusted / f"{name}.pem").write_bytes(cert.public_bytes(pem))
