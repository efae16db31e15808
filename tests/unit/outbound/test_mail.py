"""Handing messages to a mail server."""

import asyncio
from email import message_from_string
from email.policy import default

import pytest

from taskforge.domain.errors import DeliveryFailed, InvalidSetting
from taskforge.outbound import mail as module
from taskforge.outbound.mail import SmtpMailer
from taskforge.outbound.mail_server import parse_mail_server
from taskforge.ports.outbound import Mail
from tests.support.receivers import listening, mail_server

pytestmark = pytest.mark.anyio
MAIL = Mail(["ops@example.com", "ani@example.com"], "Antrean ☂ penuh", "Satu baris.\n.\nDan lagi.\n", "id-1")


async def test_a_message_is_taken() -> None:
    async with mail_server(password="p@ss") as server:
        await SmtpMailer(server.url.replace("p@ss", "p%40ss"), "TaskForge <jobs@example.com>").send(MAIL)
    [(sender, recipients, text)] = server.messages
    assert (sender, recipients) == ("jobs@example.com", ["ops@example.com", "ani@example.com"])
    message = message_from_string(text.removesuffix(".\r\n"), policy=default)
    assert message["Subject"] == "Antrean ☂ penuh"
    assert message["Message-ID"].startswith("<id-1@")
    assert "\n" not in message["Message-ID"]


@pytest.mark.parametrize("url", ["smtp+plain://127.0.0.1:{}", "smtps://127.0.0.1:{}", "smtp://127.0.0.1:{}"])
async def test_a_server_that_is_not_there(url: str) -> None:
    async with mail_server() as server:
        port = server.url.rpartition(":")[2]
    with pytest.raises(DeliveryFailed):
        await SmtpMailer(url.format(port), "jobs@example.com").send(MAIL)


async def test_a_server_that_offers_no_tls_or_refuses_us() -> None:
    async with mail_server(password="right") as server:
        port = server.url.rpartition(":")[2]
        with pytest.raises(DeliveryFailed):
            await SmtpMailer(f"smtp://127.0.0.1:{port}", "jobs@example.com").send(MAIL)
        with pytest.raises(DeliveryFailed) as refused:
            await SmtpMailer(server.url.replace("right", "wr0ng"), "jobs@example.com").send(MAIL)
    assert "password" in refused.value.message
    assert "wr0ng" not in refused.value.message
    assert server.messages == []


async def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.1)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with listening(silent) as port:
        with pytest.raises(DeliveryFailed):
            await SmtpMailer(f"smtp+plain://127.0.0.1:{port}", "jobs@example.com").send(MAIL)


async def test_there_is_none() -> None:
    assert not SmtpMailer(None, "x").is_ready
    with pytest.raises(DeliveryFailed):
        await SmtpMailer(None, "x").send(MAIL)


@pytest.mark.parametrize("url", ["", "http://a", "smtp://", "smtps://u:secret@h:99999", "smtps://[x"])
def test_what_is_no_mail_server(url: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        parse_mail_server(url)
    assert "secret" not in str(refused.value)
