"""Database addresses: which engine, where, and how they may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from taskforge.domain.errors import InvalidSetting, Unavailable

FORMS = (
    "sqlite:///folder/file.db, sqlite:////absolute/file.db, sqlite://:memory: or postgresql://user@host/name"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed TASKFORGE_DATABASE_URL: ``kind`` is sqlite or postgres, ``target`` a path or a URL."""

    kind: str
    target: str
    shown: str

    def make_folder(self) -> None:
        """Make the folder of a SQLite file. Raises Unavailable."""
        if self.kind == "sqlite" and self.target != ":memory:":
            try:
                Path(self.target).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise Unavailable(
                    f"the folder of {self.target} cannot be made: {error}",
                    hint="is the address right, and may you write there?",
                ) from error


def parse_address(url: str) -> Address:
    """Raises InvalidSetting for anything that is not one of the known forms."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "sqlite":
        if rest in (":memory:", "/:memory:"):
            return Address("sqlite", ":memory:", "sqlite://:memory:")
        if rest.startswith("/") and len(rest) > 1:
            path = Path(unquote(rest[1:])).expanduser().absolute()
            return Address("sqlite", str(path), f"sqlite:///{path}")
    elif separator and scheme in ("postgresql", "postgres"):
        parts = urlsplit(url)
        if parts.path.strip("/") or parts.query:
            return Address("postgres", url, masked(url))
    raise InvalidSetting(
        f"not a database address: {masked(url)!r}", field="database_url", hint=f"write one of {FORMS}"
    )


def masked(url: str) -> str:
    """The address without its password."""
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
