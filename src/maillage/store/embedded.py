"""PostgreSQL in the data folder, under our own supervisor.

The folder `postgres/` of the data folder holds `cluster` (PostgreSQL's), `run` (its socket; no TCP port is opened), `password` (the owner's), one
`password.LOGIN` for each other login, and two lock files. Every process that uses the cluster is an owner and holds a shared lock on `owners.lock`,
which the kernel drops even when the process is killed: the last one to stop stops PostgreSQL, and a PostgreSQL that outlived its owners is taken over
by the next. `start.lock` makes starting and stopping exclusive.
"""

from __future__ import annotations

import atexit
import fcntl
import logging
import os
import secrets
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from maillage.store import accounts, binaries, cluster, logins

log = logging.getLogger(__name__)
USER = "maillage"
DATABASE = "maillage"
WATCH_SECONDS = 0.5
RESTART_SECONDS = 30.0
Sending = Callable[[accounts.Account], str]
"""Lines of the configuration that hand PostgreSQL's log over to an archive, for the account that runs it."""

LONGEST_SOCKET = 85  # the kernel allows 107 bytes with the name `/.s.PGSQL.5432`


class EmbeddedPostgres:
    """A cluster in a data folder: `start()` gives its address, `stop()` lets go of it. A dead server is started again while we own it."""

    def __init__(
        self,
        data_dir: Path | str,
        *,
        run_as: str = "",
        binaries_dir: str = "",
        shared_buffers: str = "256MB",
        sending: Sending | None = None,
    ) -> None:
        self.data_dir = Path(data_dir).absolute()
        self._shared_buffers = shared_buffers
        self._sending = sending
        self._account = accounts.choose(run_as)
        self._wanted_binaries = binaries_dir
        self._home = Path()
        self._bin = Path()
        self._owners: int | None = None
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> str:
        """Create the cluster if there is none, start it if it does not run, and give the address of the database."""
        if self._owners is not None:
            return self.dsn()
        self._home = cluster.home(self.data_dir, self._account)
        with self._exclusive():
            self._bin = binaries.find(self._wanted_binaries, cluster.major(self._cluster), self._account)
            if not (self._cluster / "PG_VERSION").exists():
                self._create()
            self._ensure_running()
            self._owners = os.open(self._home / "owners.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._owners, fcntl.LOCK_SH)
        self._stopping.clear()
        atexit.register(self.stop)
        self._watcher = threading.Thread(target=self._watch, name="postgres-watch", daemon=True)
        self._watcher.start()
        return self.dsn()

    def stop(self) -> None:
        """Let go of the cluster; the last owner stops the server and waits for it."""
        atexit.unregister(self.stop)
        if self._owners is None:
            return
        self._stopping.set()
        if self._watcher:
            self._watcher.join()
        with self._exclusive():
            os.close(self._owners)
            self._owners = None
            if self._alone() and cluster.running(self._cluster):
                self._run("pg_ctl", "stop", "-D", str(self._cluster), "-m", "fast", "-w", "-t", "60", "-s")

    def dsn(self, database: str = DATABASE, login: str = USER) -> str:
        """The address of a database of the running cluster, for its owner or for one of `logins.LOGINS`."""
        password = self._password(login).read_text(encoding="ascii").strip()
        folder = cluster.socket_folder(self._cluster)
        return f"postgresql://{login}:{password}@/{database}?host={quote(folder, safe='')}&port=5432"

    def _password(self, login: str) -> Path:
        return self._home / ("password" if login == USER else f"password.{login}")

    @property
    def home(self) -> Path:
        """The folder of the cluster, its passwords and its locks."""
        return cluster.home(self.data_dir, self._account)

    @property
    def programs(self) -> Path:
        """The folder of PostgreSQL's programs, once it was started."""
        return self._bin

    @property
    def pid(self) -> int | None:
        """The process of the server, or None when it does not run."""
        return cluster.running(self._cluster)

    @property
    def _cluster(self) -> Path:
        return self._home / "cluster"

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        lock = os.open(self._home / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _alone(self) -> bool:
        lock = os.open(self._home / "owners.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(lock)
        return True

    def _create(self) -> None:
        """Make the cluster beside its place and move it there when it is whole."""
        draft = self._home / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        password = keep_secret(self._password(USER))
        for folder in (draft, self._home / "run"):
            folder.mkdir(mode=0o700, exist_ok=True)
            self._account.own(folder)
        whispered = draft / "password"
        whispered.touch(mode=0o600)
        whispered.write_text(password, encoding="ascii")
        self._account.own(whispered)
        words = ["-D", str(draft / "cluster"), "-U", USER, f"--pwfile={whispered}", "-E", "UTF8", "--locale=C", "--data-checksums"]
        self._run("initdb", *words, "--auth-local=scram-sha-256", "--auth-host=reject")
        whispered.unlink()
        (draft / "cluster").rename(self._cluster)
        draft.rmdir()

    def _ensure_running(self) -> None:
        if cluster.running(self._cluster):
            self._ensure_database(Path(cluster.socket_folder(self._cluster)))
            return
        unclean = cluster.clear_stale(self._cluster)
        folder = self._socket_folder()
        cluster.configure(self._cluster, folder, self._shared_buffers, self._account, self._sending(self._account) if self._sending else "")
        deadline = time.monotonic() + RESTART_SECONDS
        while True:
            try:
                self._run("pg_ctl", "start", "-D", str(self._cluster), "-w", "-t", "60", "-s", "-l", str(self._cluster / "start.log"))
                break
            except cluster.ClusterError:  # after a kill, the children of the dead server hold its memory for an instant
                if not unclean or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        self._ensure_database(folder)

    def _ensure_database(self, folder: Path) -> None:
        single = self._home / "created"
        if not single.exists():
            asked = f"SELECT 'CREATE DATABASE {DATABASE} TEMPLATE template0' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}')"
            self._psql(folder, f"{asked} \\gexec\n")
            single.touch()
        for login in logins.LOGINS:
            if not self._password(login).exists():  # the file comes last: a start that was cut short begins again
                draft = self._password(f"{login}.draft")
                self._psql(folder, logins.make_sql(login, keep_secret(draft)))
                draft.rename(self._password(login))

    def _psql(self, folder: Path, statements: str) -> None:
        environment = {"PGPASSWORD": self._password(USER).read_text(encoding="ascii").strip()}
        words = ["-h", str(folder), "-U", USER, "-d", "postgres", "-X", "-q", "-v", "ON_ERROR_STOP=1"]
        self._run("psql", *words, input=statements, environment=environment)

    def _socket_folder(self) -> Path:
        folder = self._home / "run"
        if len(os.fsencode(folder)) <= LONGEST_SOCKET:
            return folder
        before = cluster.configured_socket_folder(self._cluster)
        if before and before.is_dir() and self._account.owns(before):
            return before
        return self._account.own(cluster.short_folder())

    def _run(self, program: str, *words: str, input: str | None = None, environment: dict[str, str] | None = None) -> None:
        base = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **(environment or {})}
        with suppress(FileNotFoundError):
            (self._cluster / "start.log").unlink()
        done = subprocess.run(  # noqa: S603  # our own programs with our own words
            [str(self._bin / program), *words],
            input=input,
            stdin=None if input is not None else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if program == "pg_ctl" else subprocess.PIPE,  # the server would keep a pipe open
            text=True,
            cwd="/",
            env=base,
            check=False,
            **self._account.process(),
        )
        if done.returncode:
            raise cluster.ClusterError(f"{program} failed: {cluster.last_words(done, self._cluster)}")

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            if cluster.running(self._cluster):
                continue
            log.error("postgres-died: starting it again", extra={"code": "postgres-died"})
            try:
                with self._exclusive():
                    self._ensure_running()
            except (cluster.ClusterError, OSError) as error:
                log.error("postgres-restart-failed: %s", error, extra={"code": "postgres-restart-failed"})  # noqa: TRY400  # no trace needed


def keep_secret(place: Path) -> str:
    """A new password, kept in a file that only this account reads."""
    password = secrets.token_urlsafe(24)
    place.unlink(missing_ok=True)
    place.touch(mode=0o600)
    place.write_text(password + "\n", encoding="ascii")
    return password
