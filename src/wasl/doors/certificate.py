"""The certificate offered with STARTTLS: the configured one, or one of our own making."""

import ssl
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wasl.config.env import Env
from wasl.kit.clock import now


def server_context(env: Env) -> ssl.SSLContext:
    """TLS 1.2 or later. Mail servers encrypt without checking who they talk to (RFC 7435), so that a certificate of
    our own making is better than none; a configured one is used as it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if env.smtp_tls_cert and env.smtp_tls_key:
        context.load_cert_chain(env.smtp_tls_cert, env.smtp_tls_key)
    else:
        made = env.data_dir / "keys" / "smtp-tls.pem"
        if not made.exists():
            _make(made)
        context.load_cert_chain(made)
    return context


def _make(path: Path) -> None:
    """A self-signed certificate for ten years, key and certificate in one file that only we can read."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wasl")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.touch(mode=0o600)
    aside.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    aside.replace(path)
