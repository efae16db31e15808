"""Sessions, refresh tokens and failed logins over SQL (``ports.credentials``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.api_key import LoginSession
from taskforge.domain.errors import CredentialReused
from taskforge.domain.throttle import counted
from taskforge.storage.auditing import Audit
from taskforge.storage.engine import Engine, One, Script

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from taskforge.domain.ids import OrganizationId
    from taskforge.domain.throttle import Patience
    from taskforge.domain.tokens import Token

FORGOTTEN_SECONDS = 24 * 3600.0


class SqlSessionStore:
    """Implements ``SessionStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def create(
        self,
        token: Token,
        organization_id: OrganizationId,
        user_id: UUID,
        *,
        is_cookie: bool,
        lifetime: float,
        address: str | None,
    ) -> LoginSession:
        values = {
            "session_id": token.id,
            "organization_id": organization_id,
            "user_id": user_id,
            "secret_hash": token.hash if is_cookie else None,
            "address": address,
            "lifetime_us": round(lifetime * 1e6),
        }
        audit = Audit(organization_id=organization_id)

        def script() -> Script[LoginSession]:
            session = self._read((yield One("create_session", values))[0])
            if not is_cookie:
                yield One("put_refresh_token", {"secret_hash": token.hash, "session_id": token.id})
            yield audit.entry("session.create", token.id, after={"user_id": str(user_id)})
            return session

        return await self._engine.run(script)

    async def list(self, organization_id: OrganizationId, user_id: UUID) -> Sequence[LoginSession]:
        chosen = {"organization_id": organization_id, "user_id": user_id}
        return [self._read(row) for row in await self._engine.read(One("list_sessions", chosen))]

    async def rotate(self, old: Token, new: Token, lifetime: float) -> UUID | None:
        spent = {"session_id": old.id, "secret_hash": old.hash}

        def script() -> Script[tuple[UUID, OrganizationId, bool] | None]:
            found = yield One("find_refresh_token", spent)
            if not found:
                return None
            user = self._engine.identity(found[0]["user_id"])
            organization = self._engine.identity(found[0]["organization_id"])
            taken = yield One("spend_refresh_token", {**spent, "lifetime_us": round(lifetime * 1e6)})
            if taken:
                yield One("put_refresh_token", {"session_id": old.id, "secret_hash": new.hash})
                return user, organization, True
            after = yield One("find_refresh_token", spent)
            return (user, organization, False) if after[0]["used_at"] is not None else None

        outcome = await self._engine.run(script)
        if outcome is None:
            return None
        user_id, organization_id, is_fresh = outcome
        if is_fresh:
            return user_id
        await self._revoke(
            Audit(organization_id=organization_id), user_id, "reuse", session_id=old.id, spared=None
        )
        raise CredentialReused(
            "this refresh token was used before: the login that it came of has been ended",
            hint="log in again",
        )

    async def revoke(
        self, user_id: UUID, because: str, *, session_id: UUID | None = None, spared: UUID | None = None
    ) -> Sequence[UUID]:
        return await self._revoke(None, user_id, because, session_id=session_id, spared=spared)

    async def _revoke(
        self,
        audit: Audit | None,
        user_id: UUID,
        because: str,
        *,
        session_id: UUID | None,
        spared: UUID | None,
    ) -> Sequence[UUID]:
        chosen = {"user_id": user_id, "session_id": session_id, "spared_id": spared, "because": because}
        log = audit or Audit()

        def script() -> Script[Sequence[UUID]]:
            rows = yield One("revoke_sessions", chosen)
            ended = [self._engine.identity(row["id"]) for row in rows]
            for row in rows:
                entry = log.of(self._engine.identity(row["organization_id"]))
                yield entry.entry(
                    "session.revoke",
                    self._engine.identity(row["id"]),
                    after={"user_id": str(user_id), "because": because},
                )
            return ended

        return await self._engine.run(script)

    def _read(self, row: Any) -> LoginSession:
        identity, moment = self._engine.identity, self._engine.moment
        return LoginSession(
            identity(row["id"]),
            identity(row["organization_id"]),
            identity(row["user_id"]),
            row["address"],
            bool(row["is_cookie"]),
            moment(row["expires_at"]),
            moment(row["last_used_at"]),
            moment(row["created_at"]),
        )


class SqlAttemptStore:
    """Implements ``AttemptStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def reserve(self, subjects: Sequence[tuple[str, Patience]]) -> float:
        moment = self._engine.moment

        def script() -> Script[float]:
            counts: list[tuple[str, Patience, int]] = []
            wait = 0.0
            for subject, patience in sorted(subjects, key=lambda pair: pair[0]):
                row = (yield One("touch_login_attempts", {"subject": subject}))[0]
                now = moment(row["now"])
                wait = max(wait, (moment(row["blocked_until"]) - now).total_seconds())
                counts.append((subject, patience, counted(row["failures"], moment(row["last_at"]), now)))
            if wait > 0:
                return wait
            for subject, patience, failures in counts:
                yield _count(subject, failures + 1, patience.delay(failures + 1))
            return 0.0

        return await self._engine.run(script)

    async def succeeded(self, cleared: str, spared: str) -> None:
        def script() -> Script[None]:
            for subject in sorted({cleared, spared}):
                row = (yield One("touch_login_attempts", {"subject": subject}))[0]
                failures = 0 if subject == cleared else max(0, row["failures"] - 1)
                yield _count(subject, failures, 0.0)
            yield One("forget_login_attempts", {"age_us": round(FORGOTTEN_SECONDS * 1e6)})

        await self._engine.run(script)


def _count(subject: str, failures: int, delay: float) -> One:
    return One(
        "count_login_attempt", {"subject": subject, "failures": failures, "delay_us": round(delay * 1e6)}
    )
