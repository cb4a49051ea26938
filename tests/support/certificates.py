"""A test authority and a server that it vouches for."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


def authority_and_server(folder: Path, name: str) -> tuple[Path, Path]:
    """The authority's certificate; the server's key and certificate in one file."""
    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("autorité d'essai")
    authority = _built(issuer, issuer, root).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    made = authority.add_extension(usage, critical=True).sign(root, hashes.SHA256())
    named = x509.SubjectAlternativeName([x509.DNSName(name)])
    server = _built(_name(name), issuer, key).add_extension(named, critical=False).sign(root, hashes.SHA256())
    (folder / "authority.pem").write_bytes(made.public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.pem").write_bytes(secret + server.public_bytes(Encoding.PEM))
    return folder / "authority.pem", folder / "server.pem"


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _built(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return x509.CertificateBuilder(
        issuer, subject, key.public_key(), x509.random_serial_number(), now - dt.timedelta(days=1), now + dt.timedelta(days=1)
    )
