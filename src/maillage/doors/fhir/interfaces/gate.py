"""Mutual TLS at the SAS interface: the certificate that the proxy in front of us hands over, its authority, its dates, its CN and OU.

SAS 1.2.0 asks for TLS 1.2 with certificates of IGC-Santé, CN and OU checked, and refuses a missing, revoked or wrong one. TLS ends at the operator's
proxy (see `certificates.py`): it demands a certificate, removes the header that a caller may send and writes its own; what it hands over is checked here
again, so that a proxy that forgot to verify lets nobody in.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from maillage.kernel.errors import Unauthenticated
from maillage.settings import FhirSettings


class Gate:
    """Who may speak at the SAS interface; open when no CN is set."""

    __slots__ = ("_authorities", "_names", "_revoked", "_units")

    def __init__(self, settings: FhirSettings) -> None:
        self._names, self._units = frozenset(settings.sas_names), frozenset(settings.sas_units)
        self._authorities = x509.load_pem_x509_certificates(Path(settings.sas_authorities).read_bytes()) if settings.sas_authorities else []
        self._revoked = Path(settings.sas_revoked) if settings.sas_revoked else None

    @property
    def closed(self) -> bool:
        """Whether a certificate is demanded at all."""
        return bool(self._names)

    def check(self, der: bytes, *, sent: bool, now: datetime) -> None:
        """Raise `Unauthenticated` unless the certificate is one of those who may speak here; `sent`: whether the proxy wrote anything."""
        if not der:
            raise Unauthenticated("certificate-unreadable" if sent else "certificate-missing")
        try:
            shown = x509.load_der_x509_certificate(der)
        except ValueError as error:
            raise Unauthenticated("certificate-unreadable") from error
        if not shown.not_valid_before_utc <= now <= shown.not_valid_after_utc:
            raise Unauthenticated("certificate-expired")
        if not self._is_issued(shown) or not self._is_named(shown):
            raise Unauthenticated("certificate-refused")
        if self._is_revoked(shown):
            raise Unauthenticated("certificate-revoked")

    def _is_named(self, shown: x509.Certificate) -> bool:
        names = {str(one.value) for one in shown.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}
        units = {str(one.value) for one in shown.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)}
        return bool(names & self._names) and (not self._units or bool(units & self._units))

    def _is_issued(self, shown: x509.Certificate) -> bool:
        return any(_issued(shown, authority) for authority in self._authorities)

    def _is_revoked(self, shown: x509.Certificate) -> bool:
        """By a list that one of the authorities signed; read again each time, as the operator renews the file."""
        if self._revoked is None:
            return False
        lists = x509.load_pem_x509_crl(self._revoked.read_bytes())
        if not any(lists.is_signature_valid(authority.public_key()) for authority in self._authorities):  # type: ignore[arg-type]  # keys that sign
            raise Unauthenticated("certificate-unreadable")
        return lists.get_revoked_certificate_by_serial_number(shown.serial_number) is not None


def _issued(shown: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        shown.verify_directly_issued_by(authority)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True
