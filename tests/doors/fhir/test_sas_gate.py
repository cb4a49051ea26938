"""Mutual TLS at the SAS interface, with authorities made here: who comes with the right certificate passes, nobody else, and only by the proxy."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from tests.conftest import MONDAY
from tests.doors.fhir.conftest import caller, token

from maillage.doors.fhir import FhirDoor
from maillage.settings import FhirSettings, ServerSettings, Settings
from maillage.store import Database

Key = ec.EllipticCurvePrivateKey


def name(cn: str, ou: str = "") -> x509.Name:
    units = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, ou)] if ou else []
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn), *units])


class Authority:
    """A certification authority of this test."""

    def __init__(self, cn: str = "IGC de test") -> None:
        self.name, self.key = name(cn), ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.sign(self.name, self.key.public_key())

    def sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, until: datetime = MONDAY + timedelta(days=30)
    ) -> x509.Certificate:
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(until - timedelta(days=90)).not_valid_after(until)
        return made.sign(self.key, hashes.SHA256())

    def client(self, cn: str = "sas.example", ou: str = "SAS", until: datetime = MONDAY + timedelta(days=30)) -> x509.Certificate:
        return self.sign(name(cn, ou), ec.generate_private_key(ec.SECP256R1()).public_key(), until=until)

    def revoking(self, *certificates: x509.Certificate) -> bytes:
        made = x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(MONDAY).next_update(MONDAY + timedelta(days=7))
        for one in certificates:
            gone = x509.RevokedCertificateBuilder().serial_number(one.serial_number).revocation_date(MONDAY).build()
            made = made.add_revoked_certificate(gone)
        return made.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def header(certificate: x509.Certificate) -> dict[str, str]:
    return {"client-cert": f":{base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()}:"}


@pytest.mark.asyncio
async def test_only_a_live_certificate_of_the_right_names_passes(db: Database, tmp_path: Path) -> None:
    ours, theirs = Authority(), Authority("autre")
    good, lost = ours.client(), ours.client()
    (tmp_path / "igc.pem").write_bytes(ours.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "crl.pem").write_bytes(ours.revoking(lost))
    fhir = FhirSettings(
        certificate_header="Client-Cert",
        sas_names=("sas.example",),
        sas_units=("SAS",),
        sas_authorities=str(tmp_path / "igc.pem"),
        sas_revoked=str(tmp_path / "crl.pem"),
    )
    behind = Settings(fhir=fhir, server=ServerSettings(trusted_proxies=("127.0.0.1/32",)))
    secret = await token(db, "sas", "org-a")
    tries = {
        "passes": (header(good), 404, ""),
        "missing": ({}, 401, "SEND_UNAUTHORIZED certificate-missing"),
        "revoked": (header(lost), 401, "SEND_UNAUTHORIZED certificate-revoked"),
        "expired": (header(ours.client(until=MONDAY - timedelta(days=1))), 401, "SEND_UNAUTHORIZED certificate-expired"),
        "another name": (header(ours.client("autre.example")), 401, "SEND_UNAUTHORIZED certificate-refused"),
        "another unit": (header(ours.client(ou="DSI")), 401, "SEND_UNAUTHORIZED certificate-refused"),
        "another authority": (header(theirs.client()), 401, "SEND_UNAUTHORIZED certificate-refused"),
        "garbled": ({"client-cert": ":AAAA:"}, 401, "PROXY_UNAUTHORIZED certificate-unreadable"),
    }
    async with caller(FhirDoor(db, settings=behind), secret) as http:
        for case, (headers, status, told) in tries.items():
            answer = await http.get("/fhir/sas/Appointment/nobody", headers=headers)
            assert answer.status_code == status, case
            codes = [one["code"] for one in answer.json()["issue"][0]["details"]["coding"]]
            assert not told or sorted(codes) == sorted(told.split()), case
        assert (await http.get("/fhir/gap/Appointment/nobody")).status_code == 404  # the other interfaces go by the token alone
    direct = Settings(fhir=fhir, server=ServerSettings(trusted_proxies=("192.0.2.0/24",)))
    async with caller(FhirDoor(db, settings=direct), secret) as http:
        forged = await http.get("/fhir/sas/Appointment/nobody", headers=header(good))
        assert (forged.status_code, forged.json()["issue"][0]["details"]["coding"][1]["code"]) == (401, "PROXY_UNAUTHORIZED")
