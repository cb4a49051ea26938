"""Every setting, in one frozen tree.

A setting is read from the environment variable `MAILLAGE_<SECTION>__<NAME>`. A secret may be given as a file instead: `MAILLAGE_<SECTION>__<NAME>_FILE`
holds its path. Nothing else in maillage reads the environment.
"""

from maillage.settings.declaring import SettingError
from maillage.settings.own import (
    AuditSettings,
    BackupSettings,
    BulkSettings,
    DatabaseSettings,
    DataSettings,
    DemoSettings,
    DocumentSettings,
    EdgeSettings,
    FhirSettings,
    ServerSettings,
    SimulationSettings,
)
from maillage.settings.partners import (
    ClientSettings,
    FranceConnectSettings,
    IdentitySettings,
    MailSettings,
    PeerSettings,
    PscSettings,
    SmsSettings,
    SubscriptionSettings,
)
from maillage.settings.reference import reference
from maillage.settings.whole import Settings

__all__ = [
    "AuditSettings",
    "BackupSettings",
    "BulkSettings",
    "ClientSettings",
    "DataSettings",
    "DatabaseSettings",
    "DemoSettings",
    "DocumentSettings",
    "EdgeSettings",
    "FhirSettings",
    "FranceConnectSettings",
    "IdentitySettings",
    "MailSettings",
    "PeerSettings",
    "PscSettings",
    "ServerSettings",
    "SettingError",
    "Settings",
    "SimulationSettings",
    "SmsSettings",
    "SubscriptionSettings",
    "reference",
]
