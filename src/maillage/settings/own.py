"""Settings of what stands in the house: database, server, files, proofs, copies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maillage.settings.declaring import setting


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """PostgreSQL: one in the data folder, or yours."""

    url: str = setting(
        "",
        "Address of a PostgreSQL server (`postgresql://app_rw:...`), for the login that serves. Empty: an embedded server in the data folder.",
        secret=True,
    )
    owner_url: str = setting(
        "",
        "Address of your server for the owner of the tables, who migrates and never serves. Empty: `maillage migrate` was run where it is known.",
        secret=True,
    )
    audit_url: str = setting(
        "",
        "Address of your server (`postgresql://audit_r:...`), for the login that reads the audit trail and chains it: who serves only adds to it.",
        secret=True,
    )
    statistics_url: str = setting(
        "",
        "Address of your server (`postgresql://stats_r:...`), for the login that counts and sees nobody's identity. Empty: who serves counts too.",
        secret=True,
    )
    pool_size: int = setting(32, "Connections that one process keeps open.")
    acquire_timeout: float = setting(0.25, "Seconds that a request waits for a connection before it is told to come back (503).")
    statement_timeout: float = setting(5.0, "Seconds that one statement may take.")
    lock_timeout: float = setting(2.0, "Seconds that one statement waits for a lock.")
    idle_timeout: float = setting(10.0, "Seconds after which a transaction that does nothing is ended by the database.")
    run_as: str = setting(
        "", "System account under which the embedded server runs when maillage is started as root. Empty: `postgres`, else `nobody`."
    )
    binaries: str = setting(
        "", "Folder of the PostgreSQL programs for the embedded server. Empty: those of the Python package, else an installed server."
    )
    shared_buffers: str = setting("256MB", "Memory that the embedded server keeps for its pages.")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The HTTP server."""

    host: str = setting("127.0.0.1", "Address to listen on. The demonstration refuses any but the loopback.")
    port: int = setting(8000, "Port to listen on.")
    socket: str = setting(
        "",
        "Path of a Unix socket to listen on too, for your own proxy on the same machine. Its owner and their group may open it, and who may is believed as a "
        "trusted proxy.",
    )
    base_url: str = setting("", "Address under which users reach the server, written in links. Empty: made from host and port.")
    allowed_hosts: tuple[str, ...] = setting(
        (), "Host names that a request may name, separated by commas. Empty: the host of the base URL and the loopback."
    )
    body_limit: int = setting(2_000_000, "Largest request body in bytes.")
    security_contact: str = setting(
        "",
        "Where vulnerabilities are reported (`mailto:...` or `https://...`), told in `/.well-known/security.txt` (RFC 9116). Empty: not served.",
    )
    drain: float = setting(20.0, "Seconds that requests have to finish when the server is asked to stop.")
    drain_notice: float = setting(
        0.0,
        "Seconds before that in which `/readyz` says `draining` and requests are still taken: what your load balancer needs to look away.",
    )
    trusted_proxies: tuple[str, ...] = setting(
        (),
        "Networks of your own proxies (`10.0.0.0/8`), separated by commas: only theirs are the `X-Forwarded-For` and `-Proto` that count.",
    )


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """Who is worked for, how long, and how often (ADR 0014)."""

    running: int = setting(28, "Requests that are worked on at once: a little less than the connections to the database.")
    kept_for_emergencies: int = setting(4, "Of these, how many only emergencies may have.")
    kept_for_people: int = setting(4, "Of the rest, how many only emergencies and people at a screen may have.")
    wait_emergency: float = setting(2.0, "Seconds that an emergency may wait for its turn; beyond, 503 at once.")
    wait_interactive: float = setting(0.5, "Seconds that a page may wait for its turn; beyond, 503 at once.")
    wait_batch: float = setting(0.5, "Seconds that a machine may wait for its turn; beyond, 503 at once.")
    deadline: float = setting(
        5.0, "Seconds that the work for a page, or one write of the API, may take; beyond, it is undone and answered 503."
    )
    deadline_read: float = setting(4.0, "Seconds that a read or a search of the API may take.")
    deadline_batch: float = setting(30.0, "Seconds that a Bundle, an operation or an export of the API may take.")
    header_timeout: float = setting(10.0, "Seconds in which a caller must have sent its headers.")
    body_timeout: float = setting(10.0, "Seconds in which a caller must have sent its body.")
    write_timeout: float = setting(30.0, "Seconds without progress after which a caller that does not read its answer is cut off.")
    body_memory: int = setting(128_000_000, "Bytes of bodies that are being read or worked on, of all callers together; beyond, 503.")
    most_connections: int = setting(10_000, "Connections of callers, idle ones included.")
    most_streams: int = setting(
        2_000, "Pages that follow changes at once (server-sent events), of everybody together; beyond, they ask by themselves."
    )
    streams_per_person: int = setting(8, "The same, of one person.")
    stream_minutes: int = setting(10, "Minutes after which such a page must ask again, so that a session that has ended is noticed.")
    most_buckets: int = setting(
        50_000, "Callers that are counted at once, by each rule; the one unheard of for longest is forgotten first."
    )
    per_address: int = setting(12_000, "Requests a minute from one address (an IPv6 /64 is one). 0: not counted, here and below.")
    per_person: int = setting(1_200, "Requests a minute of one person.")
    per_client: int = setting(12_000, "Requests a minute of one machine client.")
    per_organization: int = setting(24_000, "Requests a minute of one organisation, its people and machines together.")
    login_per_address: int = setting(120, "Attempts a minute to sign in or to get a token, from one address.")
    patient_search: int = setting(60, "Searches of a patient a minute, by INS or traits, of one person.")
    patient_search_by_client: int = setting(600, "Searches of patients a minute of one machine client.")
    export: int = setting(20, "Exports a minute of one person or machine client.")
    break_glass: int = setting(10, "Break-glass a minute of one person.")


@dataclass(frozen=True, slots=True)
class FhirSettings:
    """The FHIR door."""

    version_required: bool = setting(
        True, "Whether PUT, PATCH and DELETE of a resource must name the version that they decide on (`If-Match`): 428 without."
    )
    delete_several: bool = setting(
        False, "Whether a conditional delete deletes all that match. When not, several matches answer 412 and nothing is deleted."
    )
    certificate_header: str = setting(
        "",
        "Header in which a trusted proxy gives the client's certificate (`Client-Cert` of RFC 9440, or percent-encoded PEM). Empty: none is read.",
    )
    sas_names: tuple[str, ...] = setting(
        (),
        "Common names (CN) of the certificates that may speak at the SAS interface, separated by commas; the certificate comes in `certificate_header`. "
        "Empty: no certificate is asked for there.",
    )
    sas_units: tuple[str, ...] = setting((), "Organisational units (OU) of which such a certificate must name one. Empty: any.")
    sas_authorities: str = setting("", "File with the certificates (PEM) of the authorities that issue them; without it, nobody passes.")
    sas_revoked: str = setting(
        "", "File with the list (CRL, PEM) of revoked certificates, signed by one of these authorities. Empty: none is read."
    )
    cors_origins: tuple[str, ...] = setting(
        (), "Origins whose scripts may call the API from a browser (`https://app.example`), separated by commas; never the pages."
    )


@dataclass(frozen=True, slots=True)
class DataSettings:
    """What lies on disk."""

    folder: Path = setting(Path("data"), "Folder of the embedded database and of the secrets that maillage makes for itself.")  # noqa: RUF009  # a field, as above
    watched: tuple[str, ...] = setting(
        (), "Other folders whose volumes must not fill up (log of the database, documents), separated by commas."
    )
    full_at: float = setting(0.9, "Part of a volume beyond which nothing more is written (507); reading goes on.")
    enough_free: int = setting(10_737_418_240, "Bytes free with which a volume is never taken for full, whatever part of it is used.")
    ballast: int = setting(
        1_073_741_824, "Size of the file `ballast` in the data folder, to be deleted on the day the disk is full. 0: none."
    )


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """The proof that the audit trail is whole."""

    folder: str = setting(
        "",
        "Folder of the signing key and of the checkpoints. Put it where the owner of the database cannot write. Empty: `audit` in the data folder.",
    )
    syslog: str = setting("", "Syslog server (`host:port`, TLS) that is told each checkpoint too. Empty: none.")
    syslog_authority: str = setting(
        "", "File (PEM) of the authority that signed the syslog server's certificate. Empty: those of the system."
    )


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """Backups and the continuous archive (docs/guide/sauvegarde.md)."""

    url: str = setting(
        "",
        "Address of your own server for a login that reads every row (BYPASSRLS): `maillage backup` dumps under it. Empty: the owner's. "
        "Not used with the embedded server.",
        secret=True,
    )
    archive: str = setting(
        "",
        "Folder, on another volume, to which the embedded server hands its log over and the worker copies files and checkpoints: what restores to "
        "any instant. Empty: none, and what came after the last backup is lost with the disk.",
    )
    archive_seconds: int = setting(60, "Seconds after which a part of the log is handed over even when it is not full.")


@dataclass(frozen=True, slots=True)
class DocumentSettings:
    """Files and photos that people attach (ADR 0016)."""

    folder: str = setting("", "Folder of the encrypted files. Empty: `documents` in the data folder.")
    keys: str = setting(
        "",
        "File of the master keys (mode 0600, made at first use). Keep it, and its copy, apart from the files and the database. "
        "Empty: `documents.keys` in the data folder.",
    )
    upload_limit: int = setting(20_000_000, "Largest form with files, in bytes, all files together.")
    most_files: int = setting(10, "Files that one form may carry.")
    link_seconds: int = setting(60, "Seconds for which the link of a file can be used, once.")
    check_seconds: int = setting(10, "Seconds of processor time that opening one image or PDF may take.")
    check_memory: int = setting(1_000_000_000, "Bytes of memory that opening one image or PDF may take.")
    image_pixels: int = setting(50_000_000, "Pixels of the largest image that is taken.")
    antivirus: str = setting("", "clamd that scans each file before it is kept: path of its socket, or `host:port`. Empty: no scan.")


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """The simulation of an emergency department, asked on the pages (ADR 0020)."""

    minutes: float = setting(10.0, "Minutes that one experiment may take; what is known by then is its answer.")
    days: float = setting(400.0, "Days after which an experiment that is over is forgotten, with its answer and its reports.")


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """The demonstration."""

    enabled: bool = setting(False, "Load the fictive territory, show the demonstration logins and the banner.")
    patients: int = setting(200, "Number of invented patients.")
    past: bool = setting(True, "Play a past through the real actions: requests of the last weeks, sessions of the next ones.")
    seed: int = setting(2026, "Seed of the invented data: the same seed gives the same data.")


@dataclass(frozen=True, slots=True)
class BulkSettings:
    """Bulk Data exports."""

    hours: float = setting(24.0, "Hours for which the files of a finished export can be fetched; then they are deleted.")
    portion: int = setting(2000, "Resources of one type that one file holds at most.")
    most: int = setting(3, "Exports of one client that may be running at the same time.")
    folder: str = setting("", "Folder of the encrypted files of exports. Empty: `exports` in the data folder.")
    keys: str = setting("", "File of their master key (mode 0600, made at first use). Empty: `exports.keys` in the data folder.")
