"""Database addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskforge.domain.errors import InvalidSetting
from taskforge.storage.address import masked, parse_address, servers_in


def test_sqlite_paths() -> None:
    assert parse_address("sqlite:////var/x.db").target == "/var/x.db"
    assert parse_address("sqlite:///x/y.db").target == str(Path.cwd() / "x/y.db")
    assert parse_address("sqlite:///a%20b.db").target.endswith("/a b.db")
    assert parse_address("sqlite://:memory:").target == ":memory:"
    assert parse_address("sqlite:///:memory:").target == ":memory:"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgres(scheme: str) -> None:
    address = parse_address(f"{scheme}://user:secret@host:5433/name?sslmode=require")
    assert address.kind == "postgres"
    assert "secret" in address.target
    assert "secret" not in address.shown


@pytest.mark.parametrize(
    "servers",
    [
        "host",
        "host:5433",
        "one:5432,two:5433",
        "%2Frun%2Fpostgresql",
        "%2Frun:5433",
        "[::1]",
        "[::1]:5433",
        "user:a:b@host",
    ],
)
def test_every_way_to_name_servers(servers: str) -> None:
    assert parse_address(f"postgresql://{servers}/name").target == f"postgresql://{servers}/name"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "sqlite://",
        "sqlite:///",
        "sqlite://x.db",
        "mysql://host/name",
        "postgresql://host",
        "postgresql://host:word/name",
        "postgresql://host:99999/name",
        "postgresql://[::1/name",
        "/x.db",
    ],
)
def test_anything_else_is_refused_with_the_known_forms(url: str) -> None:
    with pytest.raises(InvalidSetting) as refusal:
        parse_address(url)
    assert refusal.value.field == "database_url"
    with pytest.raises(InvalidSetting, match=r"\(from a file\)$"):
        parse_address(url, "a file")
    assert "postgresql://" in (refusal.value.hint or "")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:s3cret@host/name",
        "postgresql://user:s3%40cret@host/name",
        "mysql://user:s3cret@host/name",
        "postgresql://us%40er:s3cret@[::1]:5432/name",
        "postgresql:///name?host=/run&password=s3cret",
        "postgresql://host/name?sslpassword=s3cret&sslmode=require",
    ],
)
def test_no_password_is_shown(url: str) -> None:
    assert "s3" not in masked(url)
    assert "***" in masked(url)


def test_a_wrong_address_is_refused_without_its_password() -> None:
    with pytest.raises(InvalidSetting) as refusal:
        parse_address("postgresql://user:s3cret@host")
    assert "s3cret" not in refusal.value.message


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("postgresql://ann:pw@one:1,two:2/name", "one:1,two:2"),
        ("postgresql://ann@[::1]/name", "[::1]"),
        ("postgresql:///name?host=/run/postgresql", "/run/postgresql"),
        ("postgresql:///name", "its default address"),
    ],
)
def test_the_servers_of_an_address(url: str, servers: str) -> None:
    assert servers_in(url) == servers
