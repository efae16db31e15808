"""A secret that tasks say wherever they can stands nowhere in the database."""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING

import pytest

from taskforge import Context, TaskForge
from taskforge.cli.logs import keep_secrets
from taskforge.domain.errors import JobFailed
from taskforge.sdk.secrets import SECRETS
from taskforge.settings import SETTINGS, load_settings
from taskforge.storage.address import parse_address, passwords_in

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio

CANARY = "canary-4711-of-the-gateway"
WEBHOOK_SECRET = "whsec_" + "canary" * 6


@pytest.fixture
def _forgotten() -> Iterator[None]:
    yield
    SECRETS.forget()


@pytest.mark.usefixtures("_forgotten")
async def test_a_registered_secret_is_stored_nowhere(sqlite_url: str) -> None:
    app = TaskForge(sqlite_url, poll_seconds=0.05, poll_without_hints_seconds=0.05)
    app.redact(CANARY)

    def say(ctx: Context) -> None:
        ctx.log.info(CANARY, key=CANARY)
        logging.getLogger("shop").error("with %s", CANARY, extra={"key": CANARY})
        print(f"printed {CANARY}")
        ctx.progress(1, 2, CANARY)
        raise ValueError(f"refused: {CANARY}")

    @app.task(max_attempts=1)
    async def at_once(ctx: Context) -> None:
        say(ctx)

    @app.task(max_attempts=1)
    def in_a_thread(ctx: Context) -> None:
        say(ctx)

    async with app, app.worker():
        for task in (at_once, in_a_thread):
            job = await task.aenqueue()
            with pytest.raises(JobFailed, match=r"refused: \[redacted\]"):
                await job.aresult(timeout=30)
        [thread, _] = await (await app.platform()).errors.list()
        assert thread.sample.message == "refused: [redacted]"
    with sqlite3.connect(parse_address(sqlite_url).target) as database:
        stored = "\n".join(database.iterdump())
    assert stored.count("[redacted]") >= 10
    assert CANARY not in stored


@pytest.mark.usefixtures("_forgotten")
def test_no_secret_setting_is_ever_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = [setting for setting in SETTINGS if setting.secret]
    for number, setting in enumerate(secrets):
        scheme = "redis" if setting.name == "redis_url" else "smtp"
        address = f"{scheme}://ann:{CANARY}-{number}%40a@host/x?sslpassword={CANARY}-{number}%40b"
        monkeypatch.setenv(setting.variable, address if setting.is_address else f"{CANARY}-{number}")
    monkeypatch.setenv("TASKFORGE_SCALING_WEBHOOK_URL", "https://host")
    monkeypatch.setenv("TASKFORGE_SCALING_WEBHOOK_SECRET", WEBHOOK_SECRET)
    keep_secrets(load_settings())
    assert SECRETS.text(f"so {WEBHOOK_SECRET} is") == "so [redacted] is"
    for number, setting in enumerate(secrets):
        if setting.name == "scaling_webhook_secret":
            continue
        for form in ("@a", "%40a", "@b", "%40b") if setting.is_address else ("",):
            assert SECRETS.text(f"so {CANARY}-{number}{form} is") == "so [redacted] is"


def test_half_an_address_is_left_to_who_opens_it() -> None:
    assert passwords_in("postgresql://ann:secret@[::1/name?password=other") == ["other", "other"]
