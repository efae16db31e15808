"""Real PostgreSQL servers for tests and benchmarks, started and stopped by us.

    with postgres_servers() as servers:
        url = servers[0].create_database("one")

The servers are those of `TASKFORGE_TEST_POSTGRES` if it is set (the URL of one on which we may create databases),
else the wheel's and the system's own programs, each started on a free port with its data in the temporary folder.
"""

import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests.support.postgres_administration import administrator
from tests.support.postgres_installations import (
    PostgresInstallation,
    PostgresProblem,
    find_installations,
    unprivileged_user,
)
from tests.support.watchdog import watchdog
from tests.support.watchdog_program import remove_cluster

GIVEN_VARIABLE = "TASKFORGE_TEST_POSTGRES"
GIVEN_LABEL = "given"
START_ATTEMPTS = 3
MEMORY = Path("/dev/shm")  # noqa: S108 - a new folder in it is ours alone
MEMORY_BYTES = 4 * 2**30

COMMON_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "log_min_messages": "warning",
}
THROW_AWAY_SETTINGS = COMMON_SETTINGS | {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
}
DURABLE_SETTINGS = COMMON_SETTINGS | {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "1GB",
}


@dataclass(frozen=True)
class PostgresServer:
    """A running server. It can be passed to another process by `as_values` and `from_values`.

    `label` names it in test ids: `postgres18`, `postgres15`, or `given` for one that is not ours.
    """

    label: str
    version: str
    source: str
    admin_url: str
    folder: Path | None = None
    binaries: Path | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the postmaster, which changes at a restart; None if it is not ours or not running."""
        if self.folder is None:
            return None
        try:
            return int((self.folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    @property
    def socket_folder(self) -> Path | None:
        """The folder of the unix socket, for `host=`; None if the server is not ours."""
        return self.folder / "socket" if self.folder else None

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        return (self.folder / "server.log").read_text(errors="replace") if self.folder else ""

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return urlunsplit(urlsplit(self.admin_url)._replace(path=f"/{database}"))

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, empty or as a copy of `template` (which nobody may be connected to); return its URL."""
        source = f'TEMPLATE "{template}"' if template else ""
        strategy = (
            "STRATEGY FILE_COPY" if self.folder else ""
        )  # the faster one where nothing is flushed to disk
        self.execute(f'CREATE DATABASE "{name}" {source} {strategy}')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is still connected to it; it is fine if there is none of that name."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """Run one statement as administrator, outside a transaction."""
        administrator(self.admin_url).execute(statement)

    def halt(self, immediate: bool = False) -> None:
        """Shut the server down and keep its data; `immediate` is a crash, from which `start` recovers by its log.

        Others may be using the server: tests take the fixture `private_postgres` for this.
        Raises `PostgresProblem` if it fails, or if the server is not ours.
        """
        self._control("stop", "--mode", "immediate" if immediate else "fast")

    def start(self) -> None:
        """Start the server after `halt`, on the port it had."""
        self._control("start")

    def restart(self, immediate: bool = False) -> None:
        """`halt`, then `start`."""
        self.halt(immediate)
        self.start()

    def stop(self) -> None:
        """Stop the server for good and delete its data. One that is not ours is left alone."""
        if self.folder is not None:
            administrator(self.admin_url).close()
            remove_cluster(self.folder)
            watchdog().forget("cluster", str(self.folder))

    def as_values(self) -> dict[str, str | None]:
        """Plain values from which another process makes the same object."""
        return {
            "label": self.label,
            "version": self.version,
            "source": self.source,
            "admin_url": self.admin_url,
            "folder": str(self.folder) if self.folder else None,
            "binaries": str(self.binaries) if self.binaries else None,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "PostgresServer":
        """The reverse of `as_values`."""
        paths = {key: Path(values[key]) if values[key] else None for key in ("folder", "binaries")}
        return cls(**{**values, **paths})

    def _control(self, action: str, *options: str) -> None:
        if self.folder is None or self.binaries is None:
            raise PostgresProblem(f"can't {action} the server of {GIVEN_VARIABLE}: it is not ours")
        installation = PostgresInstallation(self.label, self.version, self.source, self.binaries)
        _pg_ctl(installation, self.folder, action, *options)


@contextmanager
def postgres_servers(*, durable: bool = False) -> Iterator[list[PostgresServer]]:
    """Every PostgreSQL that can be had here, running, and stopped afterwards.

    `durable` is for benchmarks: commits reach the disk, as they would in production.
    """
    started = start_all(durable=durable)
    try:
        yield started.servers
    finally:
        started.stop()


@dataclass(frozen=True)
class StartedServers:
    """What `start_all` started, and for what it could not start, why."""

    servers: list[PostgresServer]
    problems: list[str]

    def stop(self) -> None:
        """Stop all of them."""
        for server in self.servers:
            server.stop()


def start_all(*, durable: bool = False, wanted: Callable[[str], bool] = lambda label: True) -> StartedServers:
    """Start every server whose label is wanted, side by side; the caller stops them."""
    given = os.environ.get(GIVEN_VARIABLE)
    if given:
        return StartedServers([connect_given(given)] if wanted(GIVEN_LABEL) else [], [])
    installations = [found for found in find_installations() if wanted(found.label)]
    started = StartedServers([], [])
    with ThreadPoolExecutor(max_workers=4) as pool:
        futures = [pool.submit(start_server, found, durable=durable) for found in installations]
    for found, future in zip(installations, futures, strict=True):
        error = future.exception()
        if error is None:
            started.servers.append(future.result())
        else:
            started.problems.append(f"{found.label} ({found.source}) did not start: {error}")
    return started


def connect_given(url: str) -> PostgresServer:
    """The server at an address somebody gave us. Raises what psycopg raises when it can't be reached."""
    version = administrator(url).value("SHOW server_version")
    return PostgresServer(GIVEN_LABEL, version.split()[0], GIVEN_VARIABLE, url)


def start_server(installation: PostgresInstallation, *, durable: bool = False) -> PostgresServer:
    """Start a server of its own, in a new folder of the temporary folder; it dies with us at the latest.

    Raises `PostgresProblem` with the output of the program that failed.
    """
    place = None if durable else _memory_file_system()
    folder = Path(tempfile.mkdtemp(prefix=f"taskforge-{installation.label}-", dir=place))
    watchdog().guard("cluster", str(folder))
    user = unprivileged_user()
    try:
        for part in (folder, folder / "socket"):
            part.mkdir(mode=0o700, exist_ok=True)
            if user is not None:
                os.chown(part, user.pw_uid, user.pw_gid)
        installation = installation.within_reach(folder)
        password = secrets.token_hex(16)
        _initialize(installation, folder, password)
        port = _start(installation, folder, DURABLE_SETTINGS if durable else THROW_AWAY_SETTINGS)
    except BaseException:
        remove_cluster(folder)
        watchdog().forget("cluster", str(folder))
        raise
    return PostgresServer(
        label=installation.label,
        version=installation.version,
        source=installation.source,
        admin_url=f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres",
        folder=folder,
        binaries=installation.binaries,
    )


def _memory_file_system() -> Path | None:
    """Where files cost no disk, if there is room: each test has a database of its own, of several hundred files."""
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return None
    is_fit = found.f_bavail * found.f_frsize >= MEMORY_BYTES and not found.f_flag & os.ST_NOEXEC
    return MEMORY if is_fit and os.access(MEMORY, os.W_OK) else None


def _initialize(installation: PostgresInstallation, folder: Path, password: str) -> None:
    """Make the data folder. Only the password's owner gets in over TCP, so other users of the machine do not."""
    password_file = folder / "password"
    password_file.write_text(password)
    password_file.chmod(0o644)  # the folder around it is closed to others
    accounts = (
        "--username=postgres",
        f"--pwfile={password_file}",
        "--auth-local=trust",
        "--auth-host=password",
    )
    text = ("--encoding=UTF8", "--locale=C.UTF-8" if os.uname().sysname == "Linux" else "--locale=C")
    installation.run("initdb", "--pgdata=data", "--no-sync", *accounts, *text, folder=folder)
    with (folder / "data" / "postgresql.conf").open("a") as file:
        file.write("include = 'taskforge.conf'\n")


def _start(installation: PostgresInstallation, folder: Path, settings: Mapping[str, str]) -> int:
    """Start the server of a data folder; return its port. Somebody may be faster than us with a free one."""
    for attempt in range(1, START_ATTEMPTS + 1):
        port = _free_port()
        ours = {**settings, "port": str(port), "unix_socket_directories": str(folder / "socket")}
        lines = [f"{name} = '{value}'\n" for name, value in ours.items()]
        (folder / "data" / "taskforge.conf").write_text("".join(lines))
        try:
            _pg_ctl(installation, folder, "start")
        except PostgresProblem as problem:
            if attempt == START_ATTEMPTS or "could not create any TCP/IP sockets" not in str(problem):
                raise
        else:
            break
    return port


def _pg_ctl(installation: PostgresInstallation, folder: Path, action: str, *options: str) -> None:
    always = ("--pgdata=data", "--log=server.log", "--wait", "--timeout=60", "--silent")
    try:
        installation.run("pg_ctl", action, *always, *options, folder=folder)
    except PostgresProblem as problem:
        log = folder / "server.log"
        tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
        raise PostgresProblem(f"{problem}\n{tail}") from problem


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
