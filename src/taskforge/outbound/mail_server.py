"""The address of a mail server. Apart from speaking with it, whose modules a process that sends nothing does not need."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from taskforge.domain.errors import InvalidSetting

PORTS = {"smtps": 465, "smtp": 587, "smtp+plain": 25}
_HINT = "smtps://user:password@mail.example.com, smtp://... (STARTTLS) or smtp+plain://..."


class MailServer(NamedTuple):
    """Where it is, and who we are there. ``scheme`` says how the connection is secured."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None


def parse_mail_server(url: str) -> MailServer:
    """The parts of the setting. Raises InvalidSetting, without repeating it: a password may be in it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in PORTS or not host:
        raise InvalidSetting("smtp_url is no address of a mail server", field="smtp_url", hint=_HINT)
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    return MailServer(parts.scheme, host, port or PORTS[parts.scheme], user, password)
