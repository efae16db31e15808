"""Keys, logins and the tokens of workers: what proves whom, and how soon an end is an end."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from taskforge.domain.access import (
    ROLES,
    BuiltinRole,
    Permission,
    PrincipalKind,
)
from taskforge.domain.errors import (
    CredentialExpired,
    CredentialReused,
    CsrfFailed,
    Escalation,
    InvalidCredentials,
    InvalidInput,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from taskforge.domain.ids import DEFAULT_ORGANIZATION, DEFAULT_PROJECT, QueueId, WorkerId
from taskforge.ports.acting import acting
from taskforge.services.access import CACHE_SECONDS
from tests.conformance.house import ADDRESS, PASSWORD, House
from tests.conformance.stage import run_sql

pytestmark = pytest.mark.anyio


async def test_a_key_proves_what_it_was_given(house: House) -> None:
    queue = await house.stage.queue()
    key, text = await house.keys.create(
        DEFAULT_ORGANIZATION,
        "ci",
        allowed=["job:write", "scheduled_job.read"],
        project_id=DEFAULT_PROJECT,
        queue_ids=[queue.id],
    )
    assert text.startswith(f"tfk_{key.id.hex}_")
    found = await house.who(text)
    assert found.kind is PrincipalKind.KEY
    assert found.permissions == {Permission.JOB_WRITE, Permission.SCHEDULE_READ}
    assert (found.organization_id, found.project_id) == (DEFAULT_ORGANIZATION, DEFAULT_PROJECT)
    assert found.queue_ids == frozenset({queue.id})
    assert found.reaches(DEFAULT_PROJECT)
    assert not found.reaches_queue(QueueId(house.stage.mint()))
    stored = await run_sql(house.stage.url, "SELECT secret_hash FROM api_keys")
    assert text.split("_", 2)[2] not in stored[0][0]


async def test_where_and_when_a_key_was_used_is_noted_once_a_minute(house: House) -> None:
    key, text = await house.keys.create(DEFAULT_ORGANIZATION, "ci", role="viewer")
    await house.who(text)
    first = await house.keys.get(DEFAULT_ORGANIZATION, key.id)
    assert (first.last_used_at, first.last_used_from) == (house.stage.clock.now(), ADDRESS)
    house.stage.clock.advance(30)
    await house.who(text, house.process())
    assert (await house.keys.get(DEFAULT_ORGANIZATION, key.id)).last_used_at == first.last_used_at
    house.stage.clock.advance(31)
    await house.who(text, house.process())
    assert (await house.keys.get(DEFAULT_ORGANIZATION, key.id)).last_used_at == house.stage.clock.now()


@pytest.mark.parametrize("change", ["revoke", "suspend", "expire", "disable", "demote", "remove"])
async def test_an_end_takes_effect_within_five_seconds(house: House, change: str) -> None:
    owner = await house.user("owner")
    admin = await house.principal("admin")
    ends = house.stage.clock.now() + timedelta(seconds=60)
    with acting(admin):
        key, text = await house.keys.create(DEFAULT_ORGANIZATION, "k", role="admin", expires_at=ends)
    elsewhere = house.process()
    assert (await house.who(text, elsewhere)).may(Permission.KEY_WRITE)
    match change:
        case "revoke":
            await house.keys.revoke(DEFAULT_ORGANIZATION, key.id)
        case "suspend":
            await house.organizations.update(DEFAULT_ORGANIZATION, suspended=True)
        case "expire":
            house.stage.clock.advance(61)
        case "disable":
            await house.users.update(DEFAULT_ORGANIZATION, admin.id, disabled=True)
        case "demote":
            await house.users.set_role(DEFAULT_ORGANIZATION, admin.id, "viewer")
        case "remove":
            await house.users.remove(DEFAULT_ORGANIZATION, admin.id)
    assert CACHE_SECONDS < 5
    house.seconds += CACHE_SECONDS
    if change == "demote":
        assert (await house.who(text, elsewhere)).permissions == ROLES[BuiltinRole.VIEWER]
    else:
        with pytest.raises(CredentialExpired if change == "expire" else Unauthenticated):
            await house.who(text, elsewhere)
    assert owner.home_id == DEFAULT_ORGANIZATION


async def test_what_this_process_ends_is_ended_at_once(house: House) -> None:
    key, text = await house.keys.create(DEFAULT_ORGANIZATION, "k", role="viewer")
    await house.who(text)
    await house.keys.revoke(DEFAULT_ORGANIZATION, key.id)
    with pytest.raises(Unauthenticated):
        await house.who(text)


async def test_a_key_that_a_key_made_goes_with_it_and_does_not_outlive_it(house: House) -> None:
    ends = house.stage.clock.now() + timedelta(hours=1)
    parent, text = await house.keys.create(DEFAULT_ORGANIZATION, "p", role="admin", expires_at=ends)
    with acting(await house.who(text)):
        child, child_text = await house.keys.create(DEFAULT_ORGANIZATION, "c", role="viewer")
        with pytest.raises(Escalation):
            await house.keys.create(DEFAULT_ORGANIZATION, "c", role="owner")
    assert child.expires_at == ends
    assert set(await house.keys.revoke(DEFAULT_ORGANIZATION, parent.id)) == {parent.id, child.id}
    assert await house.keys.revoke(DEFAULT_ORGANIZATION, parent.id) == []
    with pytest.raises(Unauthenticated):
        await house.who(child_text)


async def test_a_wrong_secret_and_a_wrong_kind_prove_nothing(house: House) -> None:
    key, text = await house.keys.create(DEFAULT_ORGANIZATION, "k", role="viewer")
    other, other_text = await house.keys.create(DEFAULT_ORGANIZATION, "o", role="viewer")
    swapped = f"tfk_{key.id.hex}_{other_text.split('_', 2)[2]}"
    for wrong in (
        swapped,
        f"{text}x",
        text[:-1],
        text.upper(),
        "",
        "tfk__",
        f"tfs{text[3:]}",
        f"tfw{text[3:]}",
        "a.b.c",
    ):
        with pytest.raises(Unauthenticated):
            await house.who(wrong)
    assert (await house.who(text)).id == key.id != other.id
    with pytest.raises(Unauthenticated):
        await house.access.authenticate_cookie(text, address=None)


async def test_a_worker_proves_one_incarnation(house: House) -> None:
    queue = await house.stage.queue()
    worker = await house.stage.know("t")
    _, text = await house.keys.create(
        DEFAULT_ORGANIZATION, "k", role="worker", project_id=DEFAULT_PROJECT, queue_ids=[queue.id]
    )
    key = await house.who(text)
    with acting(key):
        credential = await house.keys.issue_worker(DEFAULT_PROJECT, worker)
        with pytest.raises(NotFound):
            await house.keys.issue_worker(DEFAULT_PROJECT, WorkerId(house.stage.mint()))
    found = await house.who(credential)
    assert (found.kind, found.id, found.credential_id) == (PrincipalKind.WORKER, worker, key.id)
    assert found.permissions == {Permission.WORKER_RUN}
    assert (found.project_id, found.queue_ids) == (DEFAULT_PROJECT, frozenset({queue.id}))
    _, other = await house.keys.create(DEFAULT_ORGANIZATION, "other", role="worker")
    with acting(await house.who(other)), pytest.raises(NotFound):
        await house.keys.issue_worker(DEFAULT_PROJECT, worker)  # another key's worker
    await house.stage.workers.stop(worker)
    house.access.forget()
    with pytest.raises(Unauthenticated):
        await house.who(credential)


async def test_a_worker_ends_with_its_key(house: House) -> None:
    worker = await house.stage.know("t")
    key, text = await house.keys.create(DEFAULT_ORGANIZATION, "k", role="worker")
    with acting(await house.who(text)):
        credential = await house.keys.issue_worker(DEFAULT_PROJECT, worker)
    await house.keys.revoke(DEFAULT_ORGANIZATION, key.id)
    with pytest.raises(Unauthenticated):
        await house.who(credential, house.process())


async def test_a_login_gives_a_token_for_what_the_user_may_do(house: House) -> None:
    member = await house.user("operator")
    pair = await house.logins.login(" Operator@Example.com ", PASSWORD, address=ADDRESS)
    assert pair.expires_at == house.stage.clock.now() + timedelta(minutes=15)
    found = await house.who(pair.access_token)
    assert (found.kind, found.id, found.label) == (PrincipalKind.USER, member.id, member.email)
    assert found.permissions == ROLES[BuiltinRole.OPERATOR]
    house.stage.clock.advance(15 * 60)
    with pytest.raises(CredentialExpired):
        await house.who(pair.access_token)


async def test_a_refresh_token_is_spent_once(house: House) -> None:
    await house.user("viewer")
    first = await house.logins.login("viewer@example.com", PASSWORD)
    second = await house.logins.refresh(first.refresh_token)
    assert second.session_id == first.session_id
    third = await house.logins.refresh(second.refresh_token)
    assert (await house.who(third.access_token)).id == third.user_id
    with pytest.raises(CredentialReused):
        await house.logins.refresh(first.refresh_token)
    for token in (second.refresh_token, third.refresh_token):
        with pytest.raises(Unauthenticated):
            await house.logins.refresh(token)
    with pytest.raises(Unauthenticated):
        await house.who(third.access_token)
    again = await house.logins.login("viewer@example.com", PASSWORD)
    assert (await house.who(again.access_token)).id == first.user_id


async def test_of_two_who_use_a_refresh_token_at_once_at_most_one_wins(house: House) -> None:
    await house.user("viewer")
    pair = await house.logins.login("viewer@example.com", PASSWORD)
    tries = await asyncio.gather(
        *(house.logins.refresh(pair.refresh_token) for _ in range(4)), return_exceptions=True
    )
    assert sum(not isinstance(outcome, BaseException) for outcome in tries) == 1
    assert sum(isinstance(outcome, CredentialReused) for outcome in tries) >= 1


async def test_a_refresh_token_ends_by_itself(house: House) -> None:
    await house.user("viewer")
    pair = await house.logins.login("viewer@example.com", PASSWORD)
    house.stage.clock.advance(400 * 24 * 3600)  # the stage's noon is long ago, and rows are born now
    with pytest.raises(CredentialExpired):
        await house.logins.refresh(pair.refresh_token)


async def test_logging_out_ends_the_session(house: House) -> None:
    await house.user("viewer")
    one = await house.logins.login("viewer@example.com", PASSWORD)
    two = await house.logins.login("viewer@example.com", PASSWORD)
    with acting(await house.who(one.access_token)):
        assert len(await house.logins.sessions()) == 2
        assert await house.logins.logout() == 1
    with pytest.raises(Unauthenticated):
        await house.who(one.access_token)
    with acting(await house.who(two.access_token)):
        assert await house.logins.logout(everywhere=True) == 1
    with pytest.raises(Unauthenticated):
        await house.logins.refresh(two.refresh_token)


async def test_the_cookie_of_the_dashboard(house: House) -> None:
    await house.user("viewer")
    login = await house.logins.login_with_cookie("viewer@example.com", PASSWORD)
    other = await house.logins.login_with_cookie("viewer@example.com", PASSWORD)
    principal = await house.access.authenticate_cookie(login.cookie, address=ADDRESS)
    house.logins.check_csrf(principal, login.csrf_token)
    for wrong in (None, "", other.csrf_token, login.csrf_token[:-1], "\ud800"):
        with pytest.raises(CsrfFailed):
            house.logins.check_csrf(principal, wrong)
    with pytest.raises(Unauthenticated):
        await house.who(login.cookie)  # no bearer token
    house.stage.clock.advance(13 * 3600)
    with pytest.raises(Unauthenticated):
        await house.process().authenticate_cookie(login.cookie, address=ADDRESS)


async def test_unknown_account_and_wrong_password_are_answered_alike(house: House) -> None:
    await house.user("viewer")
    await house.users.create(DEFAULT_ORGANIZATION, "later@example.com", password=None, role="viewer")
    words = set()
    for number, (email, password, organization) in enumerate(
        [
            ("viewer@example.com", "wrong password!", None),
            ("nobody@example.com", PASSWORD, None),
            ("later@example.com", PASSWORD, None),
            ("viewer@example.com", PASSWORD, "acme"),
            ("viewer@example.com", "x" * 5000, None),
            ("x" * 5000, PASSWORD, None),
            ("\ud800", "\ud800", None),
        ]
    ):
        with pytest.raises(InvalidCredentials) as refused:
            await house.logins.login(
                email, password, organization=organization, address=f"198.51.100.{number}"
            )
        words.add(str(refused.value))
    assert len(words) == 1


async def test_failed_logins_wait_by_account(house: House) -> None:
    await house.user("viewer")
    valid = await house.logins.login("viewer@example.com", PASSWORD)
    waits = []
    for number in range(12):
        try:
            await house.logins.login("viewer@example.com", "not the password", address=f"198.51.100.{number}")
        except TooManyRequests as refused:
            waits.append(refused.retry_after)
            house.stage.clock.advance(refused.retry_after)
        except InvalidCredentials:
            pass
    assert waits == sorted(waits)
    assert waits[:3] == [1, 2, 4]
    assert (await house.who(valid.access_token)).id == valid.user_id  # who is in stays in
    for known in ("viewer@example.com", "nobody@example.com"):  # and nobody learns who has an account
        for number in range(5):
            with pytest.raises((InvalidCredentials, TooManyRequests)):
                await house.logins.login(known, "not the password", address=f"192.0.2.{number}")
        with pytest.raises(TooManyRequests):
            await house.logins.login(known, PASSWORD, address="192.0.2.99")
    house.stage.clock.advance(3601)
    assert (await house.logins.login("viewer@example.com", PASSWORD)).user_id == valid.user_id


async def test_failed_logins_wait_by_address_and_a_network_is_one(house: House) -> None:
    await house.user("viewer")
    for number in range(21):
        with pytest.raises(InvalidCredentials):
            await house.logins.login(
                f"u{number}@example.com", "guess guess guess", address=f"2001:db8::{number:x}"
            )
    with pytest.raises(TooManyRequests):
        await house.logins.login("viewer@example.com", PASSWORD, address="2001:db8::ffff")
    assert (await house.logins.login("viewer@example.com", PASSWORD, address="2001:db8:1::1")).user_id


async def test_tries_at_the_same_moment_are_all_counted(house: House) -> None:
    await house.user("viewer")
    tries = await asyncio.gather(
        *(house.logins.login("viewer@example.com", f"guess number {n:04}", address="x") for n in range(12)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, InvalidCredentials) for outcome in tries) == 5
    assert sum(isinstance(outcome, TooManyRequests) for outcome in tries) == 7


async def test_a_new_password_ends_all_other_sessions(house: House) -> None:
    member = await house.user("viewer")
    kept = await house.logins.login(member.email, PASSWORD)
    lost = await house.logins.login(member.email, PASSWORD)
    with acting(await house.who(kept.access_token)):
        with pytest.raises(InvalidCredentials):
            await house.users.set_password(DEFAULT_ORGANIZATION, member.id, "another long one", current="no")
        with pytest.raises(InvalidInput, match="12 to 128"):
            await house.users.set_password(DEFAULT_ORGANIZATION, member.id, "short", current=PASSWORD)
        await house.users.set_password(DEFAULT_ORGANIZATION, member.id, "another long one", current=PASSWORD)
    assert (await house.who(kept.access_token)).id == member.id
    with pytest.raises(Unauthenticated):
        await house.who(lost.access_token)
    with pytest.raises(InvalidCredentials):
        await house.logins.login(member.email, PASSWORD)
    await house.logins.login(member.email, "another long one")


async def test_an_old_hash_is_renewed_at_login(house: House) -> None:
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    member = await house.user("viewer")
    await run_sql(house.stage.url, f"UPDATE users SET password_hash = '{weak}'")
    await house.logins.login(member.email, PASSWORD)
    [(renewed,)] = [tuple(row) for row in await run_sql(house.stage.url, "SELECT password_hash FROM users")]
    assert "m=19456,t=2,p=1" in renewed
    await house.logins.login(member.email, PASSWORD)
