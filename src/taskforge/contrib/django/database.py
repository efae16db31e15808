"""Django's databases: their address for TaskForge, and the transaction that is open in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction

from taskforge.domain.errors import ForeignConnection

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

_FORWARDED = ("sslmode", "sslrootcert", "sslcert", "sslkey")


def url_of(alias: str) -> str:
    """The address of one of ``DATABASES``. Raises ImproperlyConfigured for other kinds than SQLite's and PostgreSQL's."""
    connection = connections[alias]
    settings = connection.settings_dict
    name = str(settings["NAME"] or "")
    if connection.vendor == "sqlite":
        if ":memory:" in name or "mode=memory" in name:
            raise ImproperlyConfigured(
                f"the database {alias!r} is in memory, where no worker finds it; in tests use Django's ImmediateBackend, "
                "or taskforge.testing.Harness"
            )
        return f"sqlite:///{quote(name)}"
    if connection.vendor == "postgresql":
        return _postgres_url(settings, name)
    raise ImproperlyConfigured(
        f"TaskForge keeps jobs in SQLite or PostgreSQL, and the database {alias!r} is {connection.vendor}: "
        'give OPTIONS a "database_url"'
    )


def _postgres_url(settings: Any, name: str) -> str:
    user, password, host = (str(settings.get(part) or "") for part in ("USER", "PASSWORD", "HOST"))
    port = settings.get("PORT")
    options = {key: settings["OPTIONS"][key] for key in _FORWARDED if key in settings.get("OPTIONS", {})}
    if host.startswith("/"):
        options["host"] = host
        if port:
            options["port"] = str(port)
    who = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    where = "" if host.startswith("/") else host + (f":{port}" if port and host else "")
    query = f"?{urlencode(options)}" if options else ""
    return f"postgresql://{who}{'@' if who else ''}{where}/{quote(name, safe='')}{query}"


def in_transaction(
    alias: str,
    within: Callable[[object], UUID],
    alone: Callable[[UUID | None], UUID],
    mint: Callable[[], UUID],
) -> UUID:
    """Submit a job where it belongs; answers its id.

    ``within`` submits over the connection of an open transaction. If that is to another database, or none that TaskForge
    can use, ``alone`` does once it commits. Without a transaction ``alone`` does at once.
    """
    connection = connections[alias]
    own = connection.connection
    if own is None or not (connection.in_atomic_block or not connection.autocommit):
        return alone(None)
    try:
        return within(own)
    except ForeignConnection:
        if not connection.in_atomic_block:
            return alone(None)
    job_id = mint()
    transaction.on_commit(lambda: alone(job_id), using=alias)
    return job_id
