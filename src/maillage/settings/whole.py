"""The whole tree."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from maillage.settings import own, partners
from maillage.settings.declaring import PREFIX, SettingError
from maillage.settings.reading import check_secret, read_section


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole tree, read once at start-up."""

    database: own.DatabaseSettings = field(default_factory=own.DatabaseSettings)
    server: own.ServerSettings = field(default_factory=own.ServerSettings)
    edge: own.EdgeSettings = field(default_factory=own.EdgeSettings)
    fhir: own.FhirSettings = field(default_factory=own.FhirSettings)
    identity: partners.IdentitySettings = field(default_factory=partners.IdentitySettings)
    psc: partners.PscSettings = field(default_factory=partners.PscSettings)
    franceconnect: partners.FranceConnectSettings = field(default_factory=partners.FranceConnectSettings)
    data: own.DataSettings = field(default_factory=own.DataSettings)
    audit: own.AuditSettings = field(default_factory=own.AuditSettings)
    backup: own.BackupSettings = field(default_factory=own.BackupSettings)
    documents: own.DocumentSettings = field(default_factory=own.DocumentSettings)
    subscriptions: partners.SubscriptionSettings = field(default_factory=partners.SubscriptionSettings)
    clients: partners.ClientSettings = field(default_factory=partners.ClientSettings)
    peers: partners.PeerSettings = field(default_factory=partners.PeerSettings)
    bulk: own.BulkSettings = field(default_factory=own.BulkSettings)
    simulation: own.SimulationSettings = field(default_factory=own.SimulationSettings)
    mail: partners.MailSettings = field(default_factory=partners.MailSettings)
    sms: partners.SmsSettings = field(default_factory=partners.SmsSettings)
    demo: own.DemoSettings = field(default_factory=own.DemoSettings)

    @property
    def address(self) -> str:
        """Where users reach the pages, as links say it."""
        return self.server.base_url.rstrip("/") or f"http://{self.server.host}:{self.server.port}"

    @property
    def audit_key(self) -> Path:
        """The key that signs checkpoints."""
        return self._audit_folder / "signing.key"

    @property
    def audit_public_key(self) -> Path:
        """The public half of that key."""
        return self.audit_key.with_suffix(".pub")

    @property
    def audit_checkpoints(self) -> Path:
        """The file of checkpoints."""
        return self._audit_folder / "checkpoints.jsonl"

    @property
    def peers_key(self) -> Path:
        """The key by which peers know this installation."""
        return Path(self.peers.key) if self.peers.key else self.data.folder / "peers.key"

    @property
    def apps_key(self) -> Path:
        """The key that signs who a person is."""
        return Path(self.clients.identity_key) if self.clients.identity_key else self.data.folder / "apps.key"

    @property
    def _audit_folder(self) -> Path:
        return Path(self.audit.folder) if self.audit.folder else self.data.folder / "audit"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the tree; an unknown `MAILLAGE_...__...` variable or a value that cannot be read raises `SettingError`."""
        environ = os.environ if environ is None else environ
        left = {name for name in environ if name.startswith(PREFIX) and "__" in name}
        sections = {section.name: read_section(section.name, section.default_factory, environ, left) for section in fields(cls)}
        if left:
            raise SettingError(f"unknown setting {min(left)}")
        return cls(**sections)

    def refuse_default_secrets(self) -> None:
        """Raise `SettingError` for a secret that everybody knows; the demonstration, which has none, is not asked."""
        if self.demo.enabled:
            return
        for section in fields(self):
            for item in fields(getattr(self, section.name)):
                if item.metadata["secret"]:
                    check_secret(f"{PREFIX}{section.name}__{item.name}".upper(), str(getattr(getattr(self, section.name), item.name)))
