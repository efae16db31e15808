"""`taskforge organizations|projects|users|roles|keys|audit`."""

import asyncio
import io
import json
import socket
from pathlib import Path

import pytest

from taskforge.cli.exit_codes import ExitCode
from taskforge.domain.access import ROLES, BuiltinRole, Principal
from taskforge.settings import load_settings
from taskforge.wiring import Wiring
from tests.cli.conftest import CommandLine
from tests.conformance.stage import run_sql

PASSWORD = "correct horse battery"


def proved(key: str) -> Principal:
    """Whom a key proves, in a process of its own."""

    async def main() -> Principal:
        wiring = Wiring(load_settings())
        try:
            return await (await wiring.platform()).security.access.authenticate(key, address=None)
        finally:
            await wiring.close()

    return asyncio.run(main())


def test_a_key_comes_with_its_organization(anywhere: CommandLine) -> None:
    made = anywhere.ok("keys", "create", "--organization", "acme", "--role", "admin", "--json").json
    assert made["organization"] == "acme"
    assert proved(made["key"]).permissions == ROLES[BuiltinRole.ADMIN]
    projects = anywhere.ok("projects", "list", "-o", "acme", "--json").json["projects"]
    assert [project["name"] for project in projects] == ["default"]
    anywhere.ok("queues", "create", "mail", "--project", "acme/default")
    assert anywhere.ok("queues", "list", "--json").json["queues"] == []
    again = anywhere.ok("keys", "create", "-o", "acme", "--role", "viewer").out.strip()
    assert again.startswith("tfk_")
    listed = anywhere.ok("keys", "list", "-o", "acme", "--json").out
    assert again.split("_", 2)[2] not in listed
    assert "secret" not in listed
    assert len(json.loads(listed)["keys"]) == 2


def test_a_key_for_one_queue(shop: CommandLine) -> None:
    shop.ok("queues", "create", "mail")
    key = shop.ok(
        "keys", "create", "--permission", "job:write", "--only-project", "default", "--only-queue", "mail",
        "--expires", "2999-01-01T00:00:00Z", "--name", "mailer",
    ).out.strip()  # fmt: skip
    found = proved(key)
    assert (found.label, len(found.queue_ids or ())) == ("mailer", 1)
    assert "no queue" in shop.refused(
        ExitCode.NOT_FOUND,
        "keys",
        "create",
        "--role",
        "viewer",
        "--only-project",
        "default",
        "--only-queue",
        "x",
    )
    for wrong in (
        ["--role", "viewer", "--only-queue", "mail"],
        ["--role", "viewer", "--permission", "job:read"],
        ["--role", "cat"],
        ["--permission", "cat:feed"],
        ["--permission", "organization:create"],
        ["--role", "viewer", "--expires", "tomorrow"],
        ["--role", "viewer", "--expires", "2999-01-01T00:00:00"],
        [],
    ):
        shop.refused(ExitCode.USAGE, "keys", "create", *wrong)


def test_a_key_is_revoked(shop: CommandLine) -> None:
    made = shop.ok("keys", "create", "--role", "admin", "--json").json
    assert shop.ok("keys", "revoke", made["id"][-8:]).out.startswith("the key is revoked")
    assert shop.ok("keys", "revoke", made["id"]).out == "it was revoked already\n"
    assert shop.ok("keys", "list", "--json").json["keys"] == []
    assert shop.ok("keys", "list", "--all", "--json").json["keys"][0]["revoked_at"] is not None
    shop.refused(ExitCode.NOT_FOUND, "keys", "revoke", "ffffffff")


def test_users(anywhere: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    anywhere.ok(
        "users", "create", "Ana@example.com", "--role", "owner", "--administrator", "--password-stdin"
    )
    made = anywhere.ok("users", "create", "bob@example.com", "--generate", "--json").json
    assert len(made["password"]) >= 16
    anywhere.ok("users", "set-role", "bob@example.com", "--role", "operator")
    anywhere.ok("users", "disable", "bob@example.com")
    users = {user["email"]: user for user in anywhere.ok("users", "list", "--json").json["users"]}
    assert (users["ana@example.com"]["role"], users["ana@example.com"]["is_administrator"]) == ("owner", True)
    assert (users["bob@example.com"]["role"], users["bob@example.com"]["disabled_at"] is None) == (
        "operator",
        False,
    )
    anywhere.ok("users", "enable", "bob@example.com")
    assert anywhere.ok("users", "set-password", "bob@example.com", "--generate").out.startswith("password: ")
    assert "last owner" in anywhere.refused(ExitCode.CONFLICT, "users", "remove", "ana@example.com")
    anywhere.ok("users", "remove", "bob@example.com")
    assert "EMAIL" in anywhere.ok("users", "list").out
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    anywhere.refused(ExitCode.USAGE, "users", "create", "eve@example.com", "--password-stdin")
    anywhere.refused(ExitCode.USAGE, "users", "create", "no address", "--generate")
    anywhere.refused(ExitCode.USAGE, "users", "create", "eve@example.com", "--generate", "--role", "cat")


def test_roles(shop: CommandLine) -> None:
    shop.ok("roles", "create", "retrier", "job:read", "job:write")
    shop.ok("users", "create", "r@example.com", "--role", "retrier", "--generate")
    shop.ok("roles", "set", "retrier", "job:read")
    roles = {role["name"]: role for role in shop.ok("roles", "list", "--json").json["roles"]}
    assert roles["retrier"] == {"name": "retrier", "kind": "own", "permissions": ["job:read"]}
    assert set(BuiltinRole) <= roles.keys()
    shop.refused(ExitCode.CONFLICT, "roles", "delete", "retrier")
    shop.ok("users", "remove", "r@example.com")
    shop.ok("roles", "delete", "retrier")
    shop.refused(ExitCode.NOT_FOUND, "roles", "delete", "retrier")
    assert "job:read" in shop.ok("roles", "list").out


def test_organizations_and_projects(shop: CommandLine) -> None:
    shop.ok("organizations", "create", "acme")
    changed = shop.ok("organizations", "set", "acme", "workers=5", "suspended=true", "--json").json
    assert (changed["limits"]["workers"], changed["is_suspended"]) == (5, True)
    shop.ok("organizations", "set", "acme", "workers=none", "name=Acme")
    for wrong in ("workers", "workers=-1", "workers=x", "suspended=maybe", "cats=1"):
        shop.refused(ExitCode.USAGE, "organizations", "set", "Acme", wrong)
    shop.ok("projects", "create", "second", "-o", "Acme")
    shop.ok("projects", "rename", "second", "third", "-o", "Acme")
    shop.ok("projects", "delete", "third", "-o", "Acme")
    shop.refused(ExitCode.NOT_FOUND, "projects", "delete", "third", "-o", "Acme")
    shop.refused(ExitCode.CONFLICT, "organizations", "create", "Acme")
    assert "suspended" in shop.ok("organizations", "list").out
    shop.ok("organizations", "delete", "Acme")
    shop.refused(ExitCode.CONFLICT, "organizations", "delete", "default")


def test_the_audit_log(anywhere: CommandLine, database_url: str) -> None:
    anywhere.ok("queues", "create", "mail")
    anywhere.ok("queues", "pause", "mail", "--reason", "upkeep")
    anywhere.ok("keys", "create", "-o", "acme", "--role", "viewer")
    [entry] = anywhere.ok("audit", "list", "--action", "queue.pause", "--json").json["entries"]
    assert entry["actor"]["label"].endswith(f"@{socket.gethostname()}")
    assert (entry["before"]["state"], entry["after"]["state"]) == ("active", "paused")
    assert (entry["after"]["pause_reason"], entry["resource"]["name"]) == ("upkeep", "mail")
    assert entry["seq"] == 2  # sealed by the command itself, as it left
    lines = [json.loads(line) for line in anywhere.ok("audit", "export").out.splitlines()]
    assert [(line["seq"], line["action"]) for line in lines] == [(1, "queue.create"), (2, "queue.pause")]
    assert anywhere.ok("audit", "export", "--after-entry", "1").out.count("\n") == 1
    chains = anywhere.ok("audit", "verify", "--json").json["chains"]
    assert [chain["holds"] for chain in chains] == [True, True]
    end = lines[-1]["hash"]
    assert "holds" in anywhere.ok("audit", "verify", "-o", "default", "--expect", f"2:{end}").out
    other = anywhere("audit", "verify", "-o", "default", "--expect", f"2:{'0' * 64}")
    assert (other.code, "entry 2" in other.out) == (ExitCode.FAILURE, True)
    anywhere.refused(ExitCode.USAGE, "audit", "verify", "--expect", f"2:{end}")
    assert "queue.pause" in anywhere.ok("audit", "list").out
    asyncio.run(_tamper(database_url))
    broken = anywhere("audit", "verify")
    assert broken.code == ExitCode.FAILURE
    assert "entry 1" in broken.out
    assert "was changed after it was sealed" in broken.out


async def _tamper(url: str) -> None:
    if url.startswith("sqlite"):
        await run_sql(url, "DROP TRIGGER audit_entries_are_not_changed")
    else:
        await run_sql(url, "ALTER TABLE audit_entries DISABLE TRIGGER USER")
    await run_sql(
        url, "UPDATE audit_entries SET resource_name = 'post' WHERE seq = 1 AND action = 'queue.create'"
    )


def test_secrets_stand_nowhere_but_where_they_are_shown(shop: CommandLine, folder: Path) -> None:
    made = shop.ok("users", "create", "ana@example.com", "--role", "owner", "--generate", "--json").json
    key = shop.ok("keys", "create", "--role", "admin", "-v").out.strip()
    shop("keys", "create", "--role", "viewer", "--only-project", "nowhere", "-v")
    secrets = [made["password"], key.split("_", 2)[2]]
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for secret in secrets:
        assert secret.encode() not in kept
        assert secret not in shop.ok("audit", "export").out
