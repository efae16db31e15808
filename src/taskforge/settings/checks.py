"""What refuses texts that cannot serve. Raises InvalidInput; imports what it needs when there is something to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput, InvalidSetting

if TYPE_CHECKING:
    from collections.abc import Mapping

PAIRS = (("scaling_webhook_url", "scaling_webhook_secret"),)
"""Settings of which one cannot serve without the other."""


def check_zone(name: str) -> None:
    if name != "UTC":  # known without the zones of the system
        from taskforge.domain.local_time import zone_named

        zone_named(name)


def check_path(path: str) -> None:
    if path and not path.startswith("/"):
        raise InvalidInput(
            f"root_path must begin with /, and {path!r:.120} does not", hint="such as /taskforge"
        )


def check_redis(url: str) -> None:
    from taskforge.coordination.redis_opening import check_address

    check_address(url)


def check_origins(text: str) -> None:
    if text:
        from taskforge.api.origins import parse_origins

        parse_origins(text)


def check_networks(text: str) -> None:
    if text:
        from taskforge.domain.outbound import parse_networks

        parse_networks(text, "outbound_networks")


def check_webhook(url: str) -> None:
    from taskforge.domain.outbound import parse_target

    parse_target(url)


def check_webhook_secret(secret: str) -> None:
    from taskforge.domain.webhook import check_secret

    try:
        check_secret(secret)
    except InvalidInput as error:
        raise InvalidInput(error.message, hint='echo "whsec_$(openssl rand -base64 32)" makes one') from None


def check_mail_server(url: str) -> None:
    from taskforge.outbound.mail_server import parse_mail_server

    parse_mail_server(url)


def check_archive(setting: str) -> None:
    from taskforge.storage.archives import parse_archive

    parse_archive(setting)


def check_pairs(values: Mapping[str, Any], origins: Mapping[str, str]) -> None:
    """Whether what belongs together is there together. Raises InvalidSetting."""
    for pair in PAIRS:
        given = [name for name in pair if values[name] is not None]
        if len(given) == 1:
            (missing,) = set(pair).difference(given)
            raise InvalidSetting(
                f"{given[0]} is set (from {origins[given[0]]}), and {missing} is not",
                field=missing,
                hint="set both, or none",
            )
