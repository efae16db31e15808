"""The algebra of roles, permissions and scopes: nothing that is given goes beyond what the giver has."""

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.access import (
    ALIASES,
    ALL,
    GRANTABLE,
    NOBODY,
    ROLES,
    BuiltinRole,
    Permission,
    Principal,
    PrincipalKind,
    permission,
    permissions,
    system,
)
from taskforge.domain.errors import Forbidden, InvalidInput, Unauthenticated
from taskforge.domain.ids import OrganizationId, ProjectId, QueueId
from taskforge.domain.throttle import ACCOUNT, ADDRESS
from taskforge.domain.tokens import Token, TokenKind, parse_token

PROJECTS = [ProjectId(UUID(int=n)) for n in range(1, 4)]
QUEUES = [QueueId(UUID(int=n)) for n in range(11, 15)]

some_permissions = st.frozensets(st.sampled_from(sorted(Permission)))
some_project = st.none() | st.sampled_from(PROJECTS)
some_queues = st.none() | st.frozensets(st.sampled_from(QUEUES), min_size=1)


@st.composite
def principals(draw: st.DrawFn) -> Principal:
    """Anybody of one organization."""
    return Principal(
        PrincipalKind.KEY,
        UUID(int=7),
        "k",
        OrganizationId(UUID(int=8)),
        draw(some_project),
        draw(some_queues),
        draw(some_permissions),
    )


def reach(principal: Principal) -> set[tuple[Permission, ProjectId, QueueId]]:
    """Everything that it may do, where."""
    return {
        (allowed, project, queue)
        for allowed in principal.permissions
        for project in PROJECTS
        for queue in QUEUES
        if principal.reaches(project) and principal.reaches_queue(queue)
    }


@given(principals(), principals())
def test_what_may_be_granted_is_what_one_has(giver: Principal, wanted: Principal) -> None:
    """Read as sets of (permission, project, queue): allowed exactly when nothing is added."""
    if giver.may_grant(wanted.permissions, wanted.project_id, wanted.queue_ids):
        assert reach(wanted) <= reach(giver)
    elif wanted.permissions and (giver.queue_ids is None or giver.queue_ids != frozenset(QUEUES)):
        # refused: something is added, or would be by a queue or project that is made later
        beyond = (
            not wanted.permissions <= giver.permissions
            or (giver.project_id is not None and wanted.project_id != giver.project_id)
            or (
                giver.queue_ids is not None and not (wanted.queue_ids or frozenset(QUEUES)) <= giver.queue_ids
            )
        )
        assert beyond


@given(st.lists(principals(), min_size=2, max_size=5))
def test_no_chain_of_grants_escalates(chain: list[Principal]) -> None:
    given_on = all(
        one.may_grant(other.permissions, other.project_id, other.queue_ids) for one, other in pairwise(chain)
    )
    if given_on:
        assert reach(chain[-1]) <= reach(chain[0])


@given(principals())
def test_one_may_give_what_one_has(principal: Principal) -> None:
    assert principal.may_grant(principal.permissions, principal.project_id, principal.queue_ids)


@given(principals(), st.sampled_from(sorted(Permission)))
def test_require_says_what_is_missing(principal: Principal, wanted: Permission) -> None:
    if principal.may(wanted):
        principal.require(wanted)
        return
    with pytest.raises(Forbidden) as refused:
        principal.require(wanted)
    assert refused.value.permission == wanted


def test_who_may_do_what_at_the_ends() -> None:
    assert not NOBODY.permissions
    assert system("cli").permissions == ALL
    assert all(Permission.ORGANIZATION_CREATE not in allowed for allowed in ROLES.values())
    assert ROLES[BuiltinRole.WORKER] == {Permission.WORKER_RUN}
    assert not any(allowed.endswith(":write") for allowed in ROLES[BuiltinRole.VIEWER])
    assert Permission.PAYLOAD_READ not in ROLES[BuiltinRole.VIEWER]


def test_names_and_aliases() -> None:
    assert (
        permission("scheduled_job.execute") is permission("schedule:execute") is Permission.SCHEDULE_EXECUTE
    )
    assert permissions(["job:read", "scheduled_job.read"]) == {Permission.JOB_READ, Permission.SCHEDULE_READ}
    assert not ALIASES.keys() & set(Permission)
    assert set(ALIASES.values()) <= GRANTABLE
    for wrong in ("", "job", "JOB:READ", "job:read ", "job:*", "*", "organization:create"):
        with pytest.raises(InvalidInput):
            permissions([wrong])


@given(st.sampled_from(sorted(TokenKind)), st.uuids(), st.binary(min_size=32, max_size=32))
def test_a_token_is_read_as_it_was_written_and_shows_no_secret(
    kind: TokenKind, identity: UUID, secret: bytes
) -> None:
    token = Token(kind, identity, secret)
    assert parse_token(token.reveal()) == token
    assert token.reveal().split("_", 2)[2] not in repr(token)
    assert len(token.hash) == 64


@given(st.text() | st.from_regex(r"tf[a-z]_[0-9a-f]{32}_[A-Za-z0-9_=-]{42,45}", fullmatch=True))
def test_what_is_no_token(text: str) -> None:
    try:
        token = parse_token(text)
    except Unauthenticated:
        return
    assert token.reveal() == text


def test_waiting_grows_to_its_end() -> None:
    for patience in (ACCOUNT, ADDRESS):
        delays = [patience.delay(failures) for failures in range(200)]
        assert delays == sorted(delays)
        assert (delays[patience.free], delays[patience.free + 1], delays[-1]) == (0, 1, patience.most)
