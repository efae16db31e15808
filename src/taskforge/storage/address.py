"""Database addresses: which engine, where, and how they may be shown."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

from taskforge.domain.errors import InvalidSetting, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMS = (
    "sqlite:///folder/file.db, sqlite:////absolute/file.db, sqlite://:memory: or postgresql://user@host/name"
)
HOST = re.compile(r"(?:\[[^\]]*\]|[^:\[\]]*)(?::(\d*))?")
"""One server of an address, and its port."""
SECRET_PARAMETER = re.compile(r"((?:^|&)\w*password=)([^&]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed TASKFORGE_DATABASE_URL: ``kind`` is sqlite or postgres, ``target`` a path or a URL."""

    kind: str
    target: str
    shown: str

    @property
    def folder(self) -> Path | None:
        """That of a SQLite file; None where there is no file."""
        return Path(self.target).parent if self.kind == "sqlite" and self.target != ":memory:" else None

    def make_folder(self) -> None:
        """Make the folder of a SQLite file. Raises Unavailable."""
        if self.folder is not None:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise Unavailable(
                    f"the folder of {self.target} cannot be made: {error}",
                    hint="is the address right, and may you write there?",
                ) from error


def parse_address(url: str, origin: str | None = None) -> Address:
    """Raises InvalidSetting for anything that is not one of the known forms, saying the ``origin`` of what it was given."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "sqlite":
        if rest in (":memory:", "/:memory:"):
            return Address("sqlite", ":memory:", "sqlite://:memory:")
        if rest.startswith("/") and len(rest) > 1:
            path = Path(unquote(rest[1:])).expanduser().absolute()
            return Address("sqlite", str(path), f"sqlite:///{path}")
    elif separator and scheme in ("postgresql", "postgres"):
        try:
            parts = urlsplit(url)
        except ValueError:  # half an IPv6 address
            raise _refused(url, origin) from None
        if _has_servers(parts.netloc) and (parts.path.strip("/") or parts.query):
            return Address("postgres", url, masked(url))
    raise _refused(url, origin)


def _has_servers(netloc: str) -> bool:
    """Whether each of the servers, which commas part, is a host with a port that exists, or with none."""
    found = [HOST.fullmatch(server) for server in netloc.rpartition("@")[2].split(",")]
    return all(match is not None and 0 <= int(match[1] or 1) <= 65_535 for match in found)


def _refused(url: str, origin: str | None) -> InvalidSetting:
    place = f" (from {origin})" if origin else ""
    return InvalidSetting(
        f"not a database address: {masked(url)!r}{place}", field="database_url", hint=f"write one of {FORMS}"
    )


def masked(url: str) -> str:
    """The address without its password."""
    before, mark, query = url.partition("?")
    url = before + mark + SECRET_PARAMETER.sub(r"\1***", query)
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return "(unreadable)"
    if not password:
        return url
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{quote(unquote(name))}:***@{host}"))


def servers_in(url: str) -> str:
    """The servers of a PostgreSQL address, or the one that its parameters or the environment name."""
    parts = urlsplit(url)
    hosts = parse_qs(parts.query).get("host", ["its default address"])
    return parts.netloc.rpartition("@")[2] or hosts[-1]


def passwords_in(url: str) -> Sequence[str]:
    """Its passwords, as they are written there and as they are meant."""
    found = [match[2] for match in SECRET_PARAMETER.finditer(url.partition("?")[2])]
    with contextlib.suppress(ValueError):  # half an IPv6 address: whoever opens it says so
        found.append(urlsplit(url).password or "")
    return [form for password in found if password for form in (password, unquote(password))]
