"""What a process of the command line logs: how much, in which form, without which secrets."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from taskforge.domain.redaction import SHORTEST_TEXT
from taskforge.settings import LOG_LEVELS

if TYPE_CHECKING:
    from taskforge.settings import Settings

QUIET = ("httpx2", "uvicorn")
"""They tell of every request, or of what we tell ourselves."""


def write_logs(settings: Settings, *, verbose: bool) -> None:
    """Write what this process logs to standard error, unless the application has arranged that itself."""
    from taskforge.runtime.correlation import stamp_records
    from taskforge.runtime.log_format import FORMATTERS

    level = logging.DEBUG if verbose else LOG_LEVELS[settings.log_level]
    keep_secrets(settings)
    stamp_records()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FORMATTERS[settings.log_format]())
    logging.basicConfig(level=level, handlers=[handler])
    if level > logging.DEBUG:
        for chatty in QUIET:
            logging.getLogger(chatty).setLevel(logging.WARNING)


def keep_secrets(settings: Settings) -> None:
    """Register the settings that are secret, and the names of members that are."""
    from taskforge.sdk.secrets import SECRETS

    SECRETS.add_names(name.strip() for name in settings.log_redact_keys.split(",") if name.strip())
    given = (settings.key, settings.secret_key, settings.previous_secret_key, settings.metrics_token)
    found = [value for value in given if value]
    for address in (settings.database_url, settings.redis_url):
        password = None if address is None else urlsplit(address).password
        if password:
            found += [password, unquote(password)]
    SECRETS.add(*(value for value in found if len(value) >= SHORTEST_TEXT))
