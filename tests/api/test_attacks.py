"""Requests that mean harm: slow, forged, and such as want to be written down."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest

from taskforge.api.routes import queues
from taskforge.domain.access import Permission
from taskforge.domain.errors import SchemaMismatch, TaskforgeError, TooSlow, Unavailable
from tests.api.installation import SECRET, Client, Installation, running
from tests.api.tenants import PASSWORD, make_tenant

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}


async def test_a_body_that_does_not_come_is_not_waited_for(
    client: Client, installation: Installation
) -> None:
    application = installation.application
    application.state.options = replace(application.state.options, body_seconds=0.05)
    never = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b'{"name": '
        await never.wait()

    refused = await client.post("/queues", content=slow(), headers=JSON)
    assert (refused.status_code, refused.json()["code"]) == (408, "request_timeout")
    assert refused.headers["connection"] == "close"


async def test_a_body_of_unknown_length_is_cut_off(client: Client) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10**8:
            sent += 65_536
            yield b" " * 65_536

    refused = await client.post("/queues", content=endless(), headers=JSON)
    assert refused.status_code == 413
    assert sent < 2 * 1024 * 1024


async def test_nothing_of_a_request_begins_a_line_of_the_log(
    client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(queues, "view_of", broken)
    await client.post("/queues", {"name": "q"})
    with caplog.at_level(logging.DEBUG):
        answer = await client.get(
            "/queues?fields=a%0d%0aERROR%20forged",
            headers={"X-Request-ID": "x\tERROR forged", "User-Agent": "\x1b[2J"},
        )
    assert answer.status_code == 500
    assert "a defect" not in answer.text
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("taskforge")]
    assert lines
    assert all(line.isprintable() for line in lines), lines
    assert not any("forged" in line for line in lines)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (
            Unavailable("PostgreSQL at db.inside:5432 cannot be reached", hint="see db.inside"),
            503,
            "unavailable",
        ),
        (TooSlow("db.inside gave a statement up"), 503, "too_slow"),
        (SchemaMismatch("db.inside has no fitting schema"), 503, "schema_mismatch"),
        (TaskforgeError("db.inside refused a statement"), 500, "internal_error"),
    ],
)
async def test_what_is_wrong_with_the_server_is_told_to_its_log_only(
    error: TaskforgeError,
    status: int,
    code: str,
    client: Client,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any) -> None:
        raise error

    monkeypatch.setattr(queues, "view_of", broken)
    await client.post("/queues", {"name": "q"})
    with caplog.at_level(logging.WARNING):
        answer = await client.get("/queues", headers={"X-Request-ID": "r-17"})
    told = answer.json()
    assert (answer.status_code, told["code"], told["request_id"]) == (status, code, "r-17")
    assert "log has" in told["detail"]
    assert "inside" not in answer.text
    [line] = [record.getMessage() for record in caplog.records if "r-17" in record.getMessage()]
    assert error.message in line
    assert (error.hint or "") in line


async def test_readiness_names_no_server(sqlite_url: str) -> None:
    async with running(sqlite_url, redis_url="redis://127.0.0.1:1/0") as installation:
        answer = await installation.client.as_(None).get("//health/ready")
        told = answer.json()
        assert (answer.status_code, told["status"], told["checks"]["redis"]) == (200, "degraded", "degraded")
        assert "127.0.0.1" not in answer.text


async def test_where_redis_is_is_told_to_those_who_run_the_installation_only(sqlite_url: str) -> None:
    async with running(sqlite_url, redis_url="redis://127.0.0.1:1/0") as installation:
        runs_it = frozenset({Permission.ORGANIZATION_READ, Permission.ORGANIZATION_CREATE})
        reads_it = frozenset({Permission.ORGANIZATION_READ})
        told = {}
        for token, permissions in (("operator", runs_it), ("reader", reads_it)):
            installation.callers.add(token, permissions=permissions)
            answer = await installation.client.as_(token).get("/diagnosis")
            assert answer.status_code == 200, answer.text
            [told[token]] = [found for found in answer.json()["data"] if found["check"] == "redis"]
        assert ("127.0.0.1" in str(told["operator"]), "127.0.0.1" in str(told["reader"])) == (True, False)
        assert told["reader"]["verdict"] == "warning"


@pytest.fixture
async def own(sqlite_url: str, anyio_backend: str) -> AsyncIterator[Installation]:
    async with running(sqlite_url, own_credentials=True) as installation:
        yield installation


async def test_secrets_are_found_nowhere(
    own: Installation, sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Passwords, keys and tokens pass through every way in; none is in the log, the database or an answer to others."""
    with caplog.at_level(logging.DEBUG):
        tenant = await make_tenant(own, "default")
        owner, nobody = own.client.as_(tenant.keys["owner"]), own.client.as_(None)
        wrong = "canary password of nobody"
        await nobody.post("/auth/login", {"email": "ani@default.example", "password": wrong})
        pair = (
            await nobody.post("/auth/login", {"email": "ani@default.example", "password": PASSWORD})
        ).json()["data"]
        made = (await owner.post("/keys", {"name": "k", "role": "viewer"})).json()["data"]["key"]
        forged = "tfk_canary" + "0" * 32
        await own.client.as_(forged).get("/jobs")
        await own.client.as_(made).get("/jobs")
        await nobody.get(f"/jobs?token={forged}")
        await nobody.post("/auth/refresh", {"refresh_token": pair["refresh_token"] + "x"})
        listed = (await owner.get("/audit?limit=200")).text + (await owner.get("/keys")).text
    secrets = [wrong, PASSWORD, pair["access_token"], pair["refresh_token"], made, forged, SECRET]
    secrets += [made.split("_", 2)[2], tenant.keys["owner"]]
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    stored = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("httpx")]
    for secret in secrets:
        assert not any(secret in line for line in ours)
        assert secret not in listed
        assert secret.encode() not in stored


async def test_a_token_that_was_touched_opens_nothing(own: Installation) -> None:
    await make_tenant(own, "default")
    nobody = own.client.as_(None)
    login = {"email": "ani@default.example", "password": PASSWORD}
    token = (await nobody.post("/auth/login", login)).json()["data"]["access_token"]
    assert (await own.client.as_(token).get("/jobs")).status_code == 200
    header, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    kid = {"kid": header["kid"], "typ": header["typ"]}
    head, body, mac = token.split(".")
    forged = [
        jwt.encode(claims, None, algorithm="none", headers=kid),
        jwt.encode(claims, SECRET, algorithm="HS256", headers=kid),
        jwt.encode({**claims, "sub": str(uuid4())}, SECRET * 2, algorithm="HS512", headers=kid),
        jwt.encode(claims, SECRET, algorithm="HS256", headers={**kid, "kid": "../../dev/null"}),
        jwt.encode(claims, SECRET, algorithm="HS256", headers={**kid, "jku": "https://evil.example"}),
        f"{head}.{body}.",
        f"{head}.{body}.{mac[::-1]}",
        f"{head}.{body}",
        token + "x",
        f"{body}.{head}.{mac}",
    ]
    for touched in forged:
        answer = await own.client.as_(touched).get("/jobs")
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), touched
    assert (await nobody.get("/jobs", headers={"Authorization": f"Basic {token}"})).status_code == 401
    assert (await nobody.get(f"/jobs?access_token={token}")).status_code == 401
