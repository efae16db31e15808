"""What PostgreSQL and its driver say, in our words."""

from __future__ import annotations

import asyncpg

from taskforge.domain.errors import Conflict, SchemaMismatch, TaskforgeError, TooSlow, Unavailable
from taskforge.storage.address import servers_in

DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

_WORDS: tuple[tuple[tuple[type[Exception], ...], type[TaskforgeError], str, str | None], ...] = (
    (
        (asyncpg.UndefinedTableError, asyncpg.UndefinedFunctionError, asyncpg.UndefinedColumnError),
        SchemaMismatch,
        "the database has no fitting schema: ",
        "run `taskforge migrate`",
    ),
    ((asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError), Conflict, "", None),
    (
        (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError),
        Unavailable,
        "PostgreSQL refuses the login: ",
        "check TASKFORGE_DATABASE_URL",
    ),
    (
        (asyncpg.LockNotAvailableError,),
        Unavailable,
        "other transactions hold what this change needs: ",
        "try again in a moment",
    ),
    (
        (asyncpg.QueryCanceledError,),
        TooSlow,
        "PostgreSQL gave a statement up: ",
        "see statement_timeout of its role",
    ),
    ((asyncpg.InsufficientResourcesError,), Unavailable, "PostgreSQL is out of resources: ", "see its log"),
    (
        (asyncpg.ReadOnlySQLTransactionError,),
        Unavailable,
        "PostgreSQL takes no changes: ",
        "is this a standby?",
    ),
    (
        (asyncpg.TransactionRollbackError,),
        Unavailable,
        "PostgreSQL could not fit a transaction in: ",
        "try again in a moment",
    ),
    (
        (asyncpg.InvalidCatalogNameError,),
        Unavailable,
        "",
        "create it: `createdb NAME`, then `taskforge migrate`",
    ),
    (  # errors of what was sent, not of the way or the moment
        (
            asyncpg.DataError,
            asyncpg.IntegrityConstraintViolationError,
            asyncpg.SyntaxOrAccessError,
            asyncpg.ProgramLimitExceededError,
            asyncpg.PLPGSQLError,
        ),
        TaskforgeError,
        "PostgreSQL refused a statement: ",
        None,
    ),
)


def translated(error: BaseException, url: str) -> TaskforgeError:
    """Our word for what a driver says of a database. Never carries a password: asyncpg's messages hold none."""
    detail = str(error).partition("\n")[0] or type(error).__name__  # the next line may quote a row
    for kinds, word, beginning, hint in _WORDS:
        if isinstance(error, kinds):
            return word(beginning + detail, hint=hint)
    return Unavailable(
        f"PostgreSQL at {servers_in(url)} cannot be reached: {detail}",
        hint="is it running, and is the address right? `taskforge config` shows it, and where it comes from",
    )
