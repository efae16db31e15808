"""The installation's secret key: refused when it is weak, made for development."""

from __future__ import annotations

import math
import os
import secrets
from collections import Counter
from typing import TYPE_CHECKING

from taskforge.domain.errors import WeakSecret

if TYPE_CHECKING:
    from pathlib import Path

LEAST_LENGTH = 32
LEAST_BITS = 100
_KNOWN = (
    "secret",
    "changeme",
    "change-me",
    "password",
    "example",
    "taskforge",
    "default",
    "12345678",
    "qwerty",
)
_HINT = "32 random bytes or more, the same for all servers: `openssl rand -base64 48`"
FILE = "secret_key"


def check_secret_key(secret: str | None, *, field: str = "secret_key") -> str:
    """The key, if it can keep a secret. Raises WeakSecret; never repeats it."""
    if not secret:
        raise WeakSecret(
            "there is no secret key",
            field=field,
            hint=f"TASKFORGE_SECRET_KEY: {_HINT}; to try it on this machine: `taskforge serve --development`",
        )
    if len(secret) < LEAST_LENGTH:
        raise WeakSecret(
            f"the secret key has {len(secret)} characters, fewer than {LEAST_LENGTH}", field=field, hint=_HINT
        )
    counts = Counter(secret)
    bits = -sum(count * math.log2(count / len(secret)) for count in counts.values())
    is_known = any(word in secret.lower() for word in _KNOWN)  # by chance in one key of many billions
    if is_known or bits < LEAST_BITS or secret in secret[1:] + secret[:-1]:
        raise WeakSecret("the secret key is too easily guessed", field=field, hint=_HINT)
    return secret


def development_secret(folder: Path) -> str:
    """The key of a development server: made once and kept in ``folder``, readable by its owner only."""
    path = folder / FILE
    folder.mkdir(parents=True, exist_ok=True)
    made = secrets.token_urlsafe(48)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        kept = path.read_text("utf-8").strip()
        if kept:
            return check_secret_key(kept)
        path.unlink()  # somebody was interrupted between making and writing it
        return development_secret(folder)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(made)
    return made
