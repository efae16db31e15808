"""What refuses a text that cannot serve, of one setting each. Raises InvalidInput; imports what it needs when it is asked."""

from __future__ import annotations

from taskforge.domain.errors import InvalidInput


def check_zone(name: str) -> None:
    if name != "UTC":  # known without the zones of the system
        from taskforge.domain.local_time import zone_named

        zone_named(name)


def check_path(path: str) -> None:
    if path and not path.startswith("/"):
        raise InvalidInput(
            f"root_path must begin with /, and {path!r:.120} does not", hint="such as /taskforge"
        )


def check_networks(text: str) -> None:
    if text:
        from taskforge.domain.outbound import parse_networks

        parse_networks(text, "outbound_networks")


def check_mail_server(url: str) -> None:
    from taskforge.outbound.mail_server import parse_mail_server

    parse_mail_server(url)


def check_archive(setting: str) -> None:
    from taskforge.storage.archives import parse_archive

    parse_archive(setting)
