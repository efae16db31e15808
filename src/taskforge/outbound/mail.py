"""Handing messages to a mail server over SMTP (``ports.outbound.Mailer``)."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import ssl
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import formatdate
from typing import TYPE_CHECKING

from taskforge.domain.errors import DeliveryFailed
from taskforge.outbound.mail_server import MailServer, parse_mail_server

if TYPE_CHECKING:
    from taskforge.ports.outbound import Mail

SECONDS = 15.0
THREADS = 4


class SmtpMailer:
    """Sends in threads of its own, a few at a time. ``url`` None: there is no mail server."""

    def __init__(self, url: str | None, sender: str, trust: ssl.SSLContext | None = None) -> None:
        self._server = None if url is None else parse_mail_server(url)
        self._sender = sender
        self._trust = trust
        self._threads: ThreadPoolExecutor | None = None

    @property
    def is_ready(self) -> bool:
        return self._server is not None

    async def send(self, mail: Mail) -> None:
        if self._server is None:
            raise DeliveryFailed("there is no mail server: the setting smtp_url is empty")
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="taskforge-mail")
        opened: list[smtplib.SMTP] = []
        sending = asyncio.get_running_loop().run_in_executor(
            self._threads, self._hand_over, self._server, mail, opened
        )
        try:
            await asyncio.wait_for(sending, 2 * SECONDS)
        except TimeoutError:
            raise DeliveryFailed("the mail server does not answer in time") from None
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryFailed(_why(error)) from None
        finally:
            for connection in opened:  # a thread that still waits for an answer ends with its connection
                with contextlib.suppress(OSError):
                    connection.close()

    def _hand_over(self, server: MailServer, mail: Mail, opened: list[smtplib.SMTP]) -> None:
        if server.scheme == "smtps":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=SECONDS, context=self._context()
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
        opened.append(connection)
        if server.scheme == "smtp":
            connection.starttls(context=self._context())
        if server.user is not None:
            connection.login(server.user, server.password or "")
        connection.send_message(self._message(mail), from_addr=self._sender, to_addrs=list(mail.to))
        with contextlib.suppress(smtplib.SMTPException, OSError):  # it is taken by now
            connection.quit()

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = mail.subject
        message["From"] = self._sender
        message["To"] = ", ".join(mail.to)
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = f"<{mail.message_id}@{self._sender.rpartition('@')[2] or 'taskforge'}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message

    def _context(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = ssl.create_default_context()
        return self._trust


def _why(error: smtplib.SMTPException | OSError) -> str:
    """What went wrong, without what the server said: it may repeat what we sent."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "the mail server refuses the user or the password"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server refuses it: {error.smtp_code}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = sorted({code for code, _ in error.recipients.values()})
        return f"the mail server refuses the recipients: {', '.join(map(str, codes))}"
    if isinstance(error, smtplib.SMTPException):  # which is an OSError as well
        return f"the mail server does not do it: {type(error).__name__}"
    if isinstance(error, ssl.SSLError):
        return f"no secure connection to the mail server: {error.reason or 'TLS failed'}"
    return f"no connection to the mail server: {type(error).__name__}"
