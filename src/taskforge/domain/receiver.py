"""Receivers: to whom alerts and notices go, what of them may be shown, and what each kind is sent."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.domain.errors import InvalidInput
from taskforge.domain.outbound import parse_target
from taskforge.domain.webhook import check_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.ids import ProjectId

MOST_RECEIVERS = 50
MOST_RECIPIENTS = 20
LONGEST_SUBJECT = 200
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?"
)


class ReceiverKind(StrEnum):
    """How it is told."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver as it is shown. ``address``: of a webhook without its query, of Slack the host alone."""

    id: UUID
    project_id: ProjectId
    name: str
    kind: ReceiverKind
    address: str
    enabled: bool
    created_at: datetime
    updated_at: datetime


class Secrets(NamedTuple):
    """What is needed to send, and never shown: the whole URL, what a webhook is signed with, and the secret before.

    Until ``previous_until`` (seconds since 1970) both secrets sign.
    """

    url: str | None = None
    secret: str | None = None
    previous: str | None = None
    previous_until: float = 0.0
    to: tuple[str, ...] = ()

    def signing(self, now: float) -> list[str]:
        """What a request is signed with now."""
        before = [self.previous] if self.previous is not None and now < self.previous_until else []
        return ([] if self.secret is None else [self.secret]) + before

    def rotated(self, secret: str, until: float) -> Secrets:
        """With a new secret, beside which the old one signs until then."""
        return self._replace(secret=secret, previous=self.secret, previous_until=until)


def unknown_receiver(given: str, names: Collection[str]) -> InvalidInput:
    """What is said of a receiver that a project does not have."""
    close = get_close_matches(given, names, n=3)
    hint = "make it with `taskforge alerts receivers create`"
    if close or names:
        hint = (
            f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(sorted(names)[:10])}"
        )
    return InvalidInput(f"no receiver is named {given!r:.120}", field="notify", hint=hint)


def parse_receiver(
    kind: ReceiverKind,
    *,
    url: str | None = None,
    secret: str | None = None,
    to: list[str] | None = None,
    new_secret: Callable[[], str],
) -> tuple[str, Secrets]:
    """What is shown of a new receiver, and what it is sent with. Raises InvalidInput."""
    if kind is ReceiverKind.EMAIL:
        if url is not None or secret is not None:
            raise InvalidInput("a receiver by e-mail has `to`, and nothing else", field="url")
        recipients = _recipients(to or [])
        return ", ".join(recipients), Secrets(to=recipients)
    if to is not None:
        raise InvalidInput(f"a receiver of the kind {kind} has `url`, not `to`", field="to")
    if url is None:
        raise InvalidInput(f"a receiver of the kind {kind} needs a URL", field="url")
    if kind is ReceiverKind.SLACK and secret is not None:
        raise InvalidInput("what Slack gets is not signed: its URL is the secret", field="secret")
    if kind is ReceiverKind.SLACK:
        return shown(kind, url), Secrets(url)
    return shown(kind, url), Secrets(url, new_secret() if secret is None else check_secret(secret))


def shown(kind: ReceiverKind, url: str) -> str:
    """What of a URL may be shown: queries are often secrets, and of Slack all but the host is one."""
    target = parse_target(url)
    path = "/..." if kind is ReceiverKind.SLACK else target.path.partition("?")[0]
    return f"{target.scheme}://{target.authority}{path}" + ("?..." if "?" in target.path else "")


def _recipients(to: list[str]) -> tuple[str, ...]:
    if not 1 <= len(to) <= MOST_RECIPIENTS:
        raise InvalidInput(f"an e-mail goes to 1 to {MOST_RECIPIENTS} addresses", field="to")
    for address in to:
        if not _ADDRESS.fullmatch(address):
            raise InvalidInput(f"{address!r:.120} is no e-mail address", field="to")
    return tuple(dict.fromkeys(to))


@dataclass(frozen=True, slots=True)
class Message:
    """What is told: ``type`` such as ``alert.firing``, one line, and what programs need of it."""

    type: str
    summary: str
    timestamp: str
    data: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As it is stored, and as webhooks get it."""
        return {
            "type": self.type,
            "timestamp": self.timestamp,
            "summary": self.summary,
            "data": dict(self.data),
        }


def message_of(values: Mapping[str, Any]) -> Message:
    """The message that was stored so."""
    return Message(values["type"], values["summary"], values["timestamp"], values["data"])


def webhook_body(message: Message) -> bytes:
    """JSON for programs."""
    return json.dumps(message.to_json(), ensure_ascii=False, separators=(",", ":")).encode()


def slack_body(message: Message) -> bytes:
    """JSON for Slack, and for what understands the same."""
    facts = "\n".join(f"{_plain(name)}: {_plain(value)}" for name, value in facts_of(message))
    text = f"{_ICONS.get(message.type, '')} *{_plain(message.summary)}*\n{facts}".strip()
    return json.dumps({"text": text}, ensure_ascii=False).encode()


def mail_text(message: Message) -> tuple[str, str]:
    """Subject and text of an e-mail."""
    subject = " ".join(f"[TaskForge] {message.summary}".split())[:LONGEST_SUBJECT]
    lines = [message.summary, "", *(f"{name}: {value}" for name, value in facts_of(message))]
    return subject, "\n".join(lines) + "\n"


def facts_of(message: Message) -> list[tuple[str, str]]:
    """The plain members of a message, for people."""
    found = [("type", message.type), ("time", message.timestamp)]
    for name, value in message.data.items():
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            found.append((name.replace("_", " "), " ".join(str(value).split())[:500]))
    return found


_ICONS = {
    "alert.firing": ":red_circle:",
    "alert.recovered": ":large_green_circle:",
    "job.failed": ":red_circle:",
    "job.succeeded": ":large_green_circle:",
}


def _plain(text: str) -> str:
    """Text in which Slack finds no links, mentions or formats."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*_~`])", "\u200b\\1", escaped)
