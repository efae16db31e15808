"""What a process of the command line logs: how much, in which form, without which secrets."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from taskforge.domain.redaction import SHORTEST_TEXT
from taskforge.settings import LOG_LEVELS, SETTINGS
from taskforge.storage.address import passwords_in

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
    for setting in SETTINGS:
        value = getattr(settings, setting.name)
        if setting.secret and value:
            found = passwords_in(value) if setting.is_address else [value]
            SECRETS.add(*(secret for secret in found if len(secret) >= SHORTEST_TEXT))
