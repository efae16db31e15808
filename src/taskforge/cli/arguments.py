"""Texts of a command line as values: JSON or text, durations, moments, settings, statuses."""

from __future__ import annotations

import difflib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput
from taskforge.domain.job import JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

STATUS_WORDS = {
    **{status.value: (status,) for status in JobStatus},
    "waiting": (JobStatus.PENDING, JobStatus.SCHEDULED),
    "active": (JobStatus.PROCESSING,),
    "completed": (JobStatus.SUCCEEDED,),
}
"""The statuses, and the words of another system that people bring along."""


def json_or_text(text: str) -> Any:
    """The JSON value that the text is, else the text itself."""
    from taskforge.domain.errors import InvalidPayload
    from taskforge.sdk.codec import decode

    try:
        return decode(text)
    except InvalidPayload:
        return text


def call_arguments(texts: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    """Positional and keyword arguments of a call: ``2 3 unit=kg`` is ``(2, 3, unit="kg")``."""
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if text.startswith("--"):
            raise InvalidInput(
                f"there is no option {text}",
                hint="what the task takes by name is name=value; a text that begins so is JSON: '\"--text\"'",
            )
        if equals and name.isidentifier():
            keywords[name] = json_or_text(value)
        elif keywords:
            raise InvalidInput(
                f"{text!r} comes after {next(iter(keywords))}=...", hint="positionals go first"
            )
        else:
            positional.append(json_or_text(text))
    return positional, keywords


def payload_text(text: str) -> str:
    """A payload given as JSON, written anew as we store it. Raises InvalidPayload."""
    from taskforge.domain.errors import InvalidPayload
    from taskforge.sdk.codec import decode, encode

    try:
        value = decode(text)
    except InvalidPayload as error:
        raise InvalidPayload(
            f"--payload is not valid JSON: {error.message}", field="payload", hint="quote it: '{\"name\": 1}'"
        ) from None
    return encode(value, where="payload")


def seconds(text: str | None, field: str) -> float | None:
    """Seconds of ``30``, ``30s`` or ``1h30m``."""
    from taskforge.domain.durations import parse_duration

    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return parse_duration(text, field)


def moment(text: str | None, field: str) -> datetime | None:
    """A moment of RFC 3339, such as 2026-01-31T09:00:00Z or 2026-01-31T09:00+07:00."""
    from taskforge.domain.bounds import check_aware

    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{field} is not a time: {text!r}", field=field, hint="write 2026-01-31T09:00:00+07:00"
        ) from None
    try:
        return check_aware(parsed, field)
    except InvalidInput as error:
        raise InvalidInput(
            error.message, field=field, hint=f"write {text}Z for UTC, or {text}+07:00"
        ) from None


def statuses(texts: Sequence[str] | None) -> list[JobStatus] | None:
    """Statuses by name; several may stand in one text, with commas."""
    words = split(texts)
    if not words:
        return None
    for word in words:
        if word not in STATUS_WORDS:
            close = difflib.get_close_matches(word, STATUS_WORDS, n=1)
            hint = f"did you mean {close[0]}?" if close else f"statuses: {', '.join(STATUS_WORDS)}"
            raise InvalidInput(f"there is no status {word!r}", field="status", hint=hint)
    return list(dict.fromkeys(status for word in words for status in STATUS_WORDS[word]))


def split(texts: Sequence[str] | None) -> list[str]:
    """``high,low`` and repeated options as one list, each once."""
    return list(
        dict.fromkeys(word for text in texts or () for part in text.split(",") if (word := part.strip()))
    )


def pairs(texts: Sequence[str] | None) -> dict[str, Any]:
    """``key=value`` texts; ``key=`` and ``key=null`` mean: back to the default."""
    values: dict[str, Any] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InvalidInput(f"{text!r} is not of the form key=value")
        values[name] = json_or_text(value) if value else None
    return values
