"""The one error family. Edges translate it once: to exit codes (cli) and to problem+json (api).

TaskforgeError
├── InvalidInput            a value is wrong; says which one, where, and what would be right
│   ├── InvalidPayload      arguments or payload do not fit the task
│   ├── InvalidSetting      a setting of the installation or of a queue
│   │   └── WeakSecret      the secret key is missing, short, or known to everybody
│   ├── ForeignConnection   a connection that jobs of this application cannot be stored over
│   ├── ForbiddenAddress    a host that requests of ours must not go to
│   └── IdempotencyKeyReused  one Idempotency-Key for two different requests
├── NotFound                no such queue, job, worker ... in this project
├── Conflict                the request is well formed, the present state refuses it
│   ├── IllegalTransition   a status change that the lifecycle does not know
│   ├── PreconditionFailed  it was changed since the caller looked at it
│   ├── QueueClosed         the queue refuses new jobs
│   ├── QueueFull           the queue is bounded, and as long or as old as it may be
│   ├── DuplicateTask       two tasks of one name
│   ├── NameTaken           a live worker has the name
│   ├── RequestInProgress   a request with this Idempotency-Key is not answered yet
│   └── NoTransaction       the caller's connection has no open transaction
├── Unauthenticated         no credential, or one that proves nothing
│   ├── InvalidCredentials  a wrong password, or an unknown account: the same answer
│   ├── CredentialExpired   it was right once; it ran out
│   └── CredentialReused    a refresh token came twice: all that came of its login are revoked
├── Forbidden               it is known who asks, and it is not allowed to them
│   ├── Escalation          somebody would give more than they have
│   └── CsrfFailed          a cookie came without the token that only our own pages know
├── TooManyRequests         asked too often; says how long to wait
├── LimitExceeded           the organization has as much of it as it may have
├── LeaseLost               a worker wrote with a fence that is no longer the current one
├── Unavailable             the database cannot be reached or is busy; trying again may help
│   └── TooSlow             it gave up a statement that took too long; a smaller batch may pass
├── DeliveryFailed          a receiver, or the mail server, did not take what it was given
├── ArchiveFailed           finished jobs could not be archived, so they are not pruned
├── ProvisionerFailed       workers could not be started or stopped as the autoscaler ordered
├── SchemaMismatch          the database needs `taskforge migrate`, or is newer than this program
├── JobFailed               the awaited job ended as failed
├── JobCancelled            the awaited job was cancelled
└── ResultTimeout           the awaited job has not ended in time
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self
    from uuid import UUID

    from taskforge.domain.worker import ProcessIdentity


class TaskforgeError(Exception):
    """Base of every error that TaskForge raises on purpose.

    ``code`` is stable and machine-readable, ``hint`` says what mends it.
    """

    code = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(TaskforgeError):
    """A value is wrong. ``field`` is the path of the value, as the caller named it."""

    code = "invalid_input"

    def __init__(self, message: str, *, field: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.field = field


class InvalidPayload(InvalidInput):
    """Arguments or payload do not fit the task, or are not plain JSON."""

    code = "invalid_payload"


class InvalidSetting(InvalidInput):
    """A setting of the installation, or of a queue, has a value it cannot have."""

    code = "invalid_setting"


class WeakSecret(InvalidSetting):
    """The secret key is missing, too short, too simple, or an example that everybody can read."""

    code = "weak_secret"


class ForeignConnection(InvalidInput):
    """Jobs of this application cannot be stored over this connection: its kind is unknown, or its database another."""

    code = "foreign_connection"


class ForbiddenAddress(InvalidInput):
    """The host has an address that requests of ours must not go to: of this machine, or of a network that is not public."""

    code = "forbidden_address"


class IdempotencyKeyReused(InvalidInput):
    """The Idempotency-Key came with a different request before."""

    code = "idempotency_key_reused"


class NotFound(TaskforgeError):
    """Nothing of that name or id exists in this project."""

    code = "not_found"


class Conflict(TaskforgeError):
    """The present state refuses the request."""

    code = "conflict"


class IllegalTransition(Conflict):
    """A status change that the lifecycle does not know."""

    code = "invalid_transition"


class PreconditionFailed(Conflict):
    """It was changed since the caller looked at it; nothing was done."""

    code = "precondition_failed"


class QueueClosed(Conflict):
    """The queue is closed: it refuses new jobs."""

    code = "queue_closed"


class QueueFull(Conflict):
    """The queue is bounded and has no room. ``bound`` is the setting that says so."""

    code = "queue_full"

    def __init__(self, message: str, *, queue: str, bound: str) -> None:
        super().__init__(message, hint="try again later, or run more workers")
        self.queue = queue
        self.bound = bound


class SharedFile(Conflict):
    """A process of another host works on the same SQLite file."""

    code = "shared_file"


class DuplicateTask(Conflict):
    """A task of this name is registered already."""

    code = "duplicate_task"


class NameTaken(Conflict):
    """A worker of this name lives already. ``process`` is which one, as its machine knows it."""

    code = "name_taken"

    def __init__(self, message: str, *, process: ProcessIdentity | None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.process = process


class RequestInProgress(Conflict):
    """A request with this Idempotency-Key is under way. ``retry_after`` is in seconds."""

    code = "request_in_progress"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message, hint="send it again in a moment, under the same key")
        self.retry_after = retry_after


class AnswerLost(Conflict):
    """A request with this Idempotency-Key was carried out, and nobody knows what it was answered with."""

    code = "answer_lost"


class NoTransaction(Conflict):
    """The caller's connection has no open transaction that a job could become part of."""

    code = "no_transaction"


class Unauthenticated(TaskforgeError):
    """There is no credential, or it proves nothing: unknown, revoked, malformed."""

    code = "unauthenticated"


class InvalidCredentials(Unauthenticated):
    """The account is unknown or the password is wrong; which of the two is not told."""

    code = "invalid_credentials"


class CredentialExpired(Unauthenticated):
    """The credential was right once, and its time is over."""

    code = "credential_expired"


class CredentialReused(Unauthenticated):
    """A refresh token was used a second time, so it may be stolen: everything that came of its login is revoked."""

    code = "credential_reused"


class Forbidden(TaskforgeError):
    """It is known who asks, and it is not allowed to them. ``permission`` is what is missing."""

    code = "forbidden"

    def __init__(self, message: str, *, permission: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.permission = permission


class Escalation(Forbidden):
    """Somebody would give a permission, a project or a queue that they do not have themselves."""

    code = "escalation"


class CsrfFailed(Forbidden):
    """A change came with the dashboard's cookie, and without the token that only its own pages know."""

    code = "csrf_failed"


class TooManyRequests(TaskforgeError):
    """Asked too often. ``retry_after`` is in seconds."""

    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message, hint=f"try again in {max(1, math.ceil(retry_after))} s")
        self.retry_after = retry_after


class LimitExceeded(TaskforgeError):
    """The organization has as much of something as it may have. ``limit`` names the limit."""

    code = "limit_exceeded"

    def __init__(self, message: str, *, limit: str) -> None:
        super().__init__(message, hint="remove what is not needed, or ask the installation's administrator")
        self.limit = limit


class LeaseLost(TaskforgeError):
    """The execution is no longer owned by this worker; its write changed nothing."""

    code = "lease_lost"


class Unavailable(TaskforgeError):
    """The database cannot be reached, or is too busy; trying again may help."""

    code = "unavailable"


class TooSlow(Unavailable):
    """The database gave up a statement that took longer than it may; a smaller batch may pass."""

    code = "too_slow"


class DeliveryFailed(TaskforgeError):
    """A receiver, or the mail server, did not take what it was given. ``retry_after``: seconds that it asks to wait.

    ``final``: trying again cannot help.
    """

    code = "delivery_failed"

    def __init__(self, message: str, *, retry_after: float | None = None, final: bool = False) -> None:
        super().__init__(message, hint="`taskforge alerts deliveries` shows what was tried")
        self.retry_after = retry_after
        self.final = final


class ArchiveFailed(TaskforgeError):
    """Finished jobs could not be written to the archive. They stay where they are."""

    code = "archive_failed"


class ProvisionerFailed(TaskforgeError):
    """A provisioner did not start or stop workers as it was ordered, or could not tell how many there are."""

    code = "provisioner_failed"


class SchemaMismatch(TaskforgeError):
    """The database's schema is older or newer than this program."""

    code = "schema_mismatch"


class JobFailed(TaskforgeError):
    """The awaited job ended as failed. ``error_type`` and ``traceback`` are those of its last attempt."""

    code = "job_failed"

    def __init__(self, message: str, *, error_type: str | None = None, traceback: str | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.traceback = traceback


class JobCancelled(TaskforgeError):
    """The awaited job was cancelled."""

    code = "job_cancelled"


class ResultTimeout(TaskforgeError, TimeoutError):
    """The awaited job has not ended in time; it goes on."""

    code = "result_timeout"

    @classmethod
    def after(cls, timeout: float | None, job_id: UUID) -> Self:
        """Of a job that waits or runs; which of them it is, and why, is for somebody else to say."""
        return cls(
            f"job {job_id} has not ended within {timeout:g} s; it goes on, or waits: see `taskforge jobs why {job_id}`"
        )
