"""The address of a Redis: ``redis://``, ``rediss://`` (TLS) or ``unix://``, with login and database."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

PORT = 6379
TLS = ("ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_password", "ssl_check_hostname")
CHECKED, UNCHECKED = ("required", "optional"), "none"


class RedisAddress(NamedTuple):
    """``path`` is that of a socket of this machine, which is used instead of host and port."""

    host: str
    port: int
    path: str
    username: str
    password: str
    database: int
    tls: Mapping[str, str] | None

    def encryption(self) -> ssl.SSLContext | None:
        """What is needed to speak TLS. Raises OSError: a certificate cannot be read."""
        if self.tls is None:
            return None
        import ssl

        context = ssl.create_default_context(cafile=self.tls.get("ssl_ca_certs"))
        is_checked = self.tls.get("ssl_cert_reqs", CHECKED[0]) != UNCHECKED
        context.check_hostname = (
            is_checked and self.tls.get("ssl_check_hostname", "true").lower() not in NOT_TRUE
        )
        context.verify_mode = ssl.CERT_REQUIRED if is_checked else ssl.CERT_NONE
        if "ssl_certfile" in self.tls:
            context.load_cert_chain(
                self.tls["ssl_certfile"], self.tls.get("ssl_keyfile"), self.tls.get("ssl_password")
            )
        return context


NOT_TRUE = ("0", "false", "no", "n", "off", "")


def address_of(url: str) -> RedisAddress:
    """What a URL says. Raises ValueError, which never quotes a password."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    is_socket, is_encrypted = parts.scheme == "unix", parts.scheme == "rediss"
    if not (is_socket or is_encrypted or parts.scheme == "redis"):
        raise ValueError("it must begin with redis://, rediss:// or unix://")
    known = {"db", "username", "password", *(TLS if is_encrypted else ())}
    if unknown := sorted(options.keys() - known):
        raise ValueError(f"unknown options: {', '.join(unknown)}")
    if options.get("ssl_cert_reqs", UNCHECKED) not in (*CHECKED, UNCHECKED):
        raise ValueError("ssl_cert_reqs must be required, optional or none")
    in_path = "" if is_socket else parts.path.strip("/")
    database = options.get("db") or in_path or "0"
    if not database.isdigit():
        raise ValueError("the database must be a number")
    return RedisAddress(
        unquote(parts.hostname or "localhost"),
        parts.port or PORT,
        unquote(parts.path) if is_socket else "",
        unquote(parts.username or "") or options.get("username", ""),
        unquote(parts.password or "") or options.get("password", ""),
        int(database),
        {name: options[name] for name in TLS if name in options} if is_encrypted else None,
    )
