"""Who acts: set once where a request, a command or a loop begins, read where a change is made or recorded.

Nobody set means a program with the database's own credentials, which may do everything. A process that serves others
starts everything under ``acting(NOBODY)``, so that a way in that forgets to say who asks can do nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from taskforge.domain.access import Principal, system

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskforge.domain.access import Permission
    from taskforge.ports.requests import Way

PROGRAM = system("program")


@dataclass(frozen=True, slots=True)
class Actor:
    """A principal, and the request by which it acts; ``way`` when that must not be carried out twice."""

    principal: Principal = PROGRAM
    address: str | None = None
    request_id: str | None = None
    way: Way | None = None


_DEFAULT = Actor()
_ACTOR: ContextVar[Actor | None] = ContextVar("taskforge_actor", default=None)


def actor() -> Actor:
    """Who acts here."""
    return _ACTOR.get() or _DEFAULT


def require(permission: Permission) -> Principal:
    """Who acts here, if this is allowed to them; raises Forbidden."""
    principal = actor().principal
    principal.require(permission)
    return principal


@contextmanager
def acting(
    principal: Principal, *, address: str | None = None, request_id: str | None = None
) -> Iterator[None]:
    """Within the block this principal acts. ``address`` is where the request came from."""
    token = _ACTOR.set(Actor(principal, address, request_id))
    try:
        yield
    finally:
        _ACTOR.reset(token)


@contextmanager
def only_once(way: Way) -> Iterator[None]:
    """Within the block whoever acts does so for a request that is carried out once."""
    token = _ACTOR.set(replace(actor(), way=way))
    try:
        yield
    finally:
        _ACTOR.reset(token)
