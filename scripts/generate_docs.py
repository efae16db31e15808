"""Write the parts of docs/ that follow from the code: `python -m scripts.generate_docs`, with --check to compare.

A generated part stands between `<!-- generated: name -->` and `<!-- end of name -->`.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scripts import reference_commands, reference_events, reference_permissions, reference_python
from scripts.markdown import table
from taskforge.cli.commands import BESIDE_A_DATABASE
from taskforge.cli.exit_codes import ExitCode
from taskforge.domain import errors
from taskforge.domain.execution import FAILURES, LIVE, ExecutionStatus, Reason
from taskforge.domain.job import FINISHED, Hold, JobStatus
from taskforge.domain.lifecycle import TRANSITIONS, JobEvent
from taskforge.settings import SETTINGS, Setting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DOCS = Path(__file__).resolve().parent.parent / "docs"

EVENTS = {
    JobEvent.PROMOTE: "it is due",
    JobEvent.CLAIM: "a worker takes it",
    JobEvent.SUCCEED: "its handler returned",
    JobEvent.RETRY: "the attempt failed, and one is left",
    JobEvent.SNOOZE: "its handler asked to be called later",
    JobEvent.RELEASE: "its worker leaves and hands it back",
    JobEvent.LOSE: "its worker vanished",
    JobEvent.FAIL: "the attempt failed, and none is left",
    JobEvent.CANCEL: "someone, or its handler, cancels it",
    JobEvent.REQUEST_CANCEL: "someone wants it cancelled while it runs",
    JobEvent.EXPIRE: "it waited past `expires` or `deadline`",
    JobEvent.DROP: "its queue is bounded and was full when a newer one came",
    JobEvent.RETRY_BY_HAND: "someone retries it",
    JobEvent.RESCHEDULE: "someone gives it another due time",
}
EXECUTION_STATUSES = {
    ExecutionStatus.QUEUED: "claimed; the handler has not begun",
    ExecutionStatus.STARTED: "a heartbeat said that the handler began",
    ExecutionStatus.RUNNING: "the handler itself gave a sign: `ctx.heartbeat()` or `ctx.progress()`",
    ExecutionStatus.SUCCEEDED: "the handler returned",
    ExecutionStatus.FAILED: "no attempt was left, or the worker was lost",
    ExecutionStatus.CANCELLED: "cancelled, snoozed, or handed back by a leaving worker",
    ExecutionStatus.RETRY_SCHEDULED: "failed; another attempt follows",
    ExecutionStatus.DEAD_LETTER: "failed; no attempt was left, and a dead-letter queue lists the job",
}
REASONS = {
    Reason.ERROR: "the handler raised an exception, or returned what is not JSON",
    Reason.TIMEOUT: "the attempt took longer than its timeout",
    Reason.WORKER_LOST: "the worker vanished, or its lease ran out",
    Reason.SNOOZED: "the handler raised `Snooze`; no attempt is spent",
    Reason.RELEASED: "the worker left and handed the job back; no attempt is spent",
    Reason.CANCELLED: "someone asked for it, or the handler raised `Cancel`",
}
HOLDS = {
    Hold.NO_WORKER: "no worker, and no program that enqueues by task, has named this job type yet",
    Hold.PAUSED: "its type, one of its tags or a key of it is paused: `taskforge pauses list` says by whom and why",
    Hold.SUSPECT: "a worker was lost under it: it runs only where no other such job runs",
    Hold.KEY: "as many jobs of its concurrency key as may run at once have their place; it gets the next one",
}
ADVICE = {
    "TaskforgeError": "read the message: the database refused something that no other error is for",
    "InvalidInput": "mend the value that `field` names, as `hint` says",
    "InvalidPayload": "mend the arguments, or what the handler returned; pass large data by its address",
    "InvalidSetting": "mend the setting; `taskforge config` shows where each comes from",
    "WeakSecret": "set TASKFORGE_SECRET_KEY to 32 random bytes or more: `openssl rand -base64 48`",
    "ForeignConnection": "hand over a connection to TASKFORGE_DATABASE_URL of a kind in [transactions](transactions.md)",
    "ForbiddenAddress": "use a public address over https, or allow its network: the setting `outbound_networks`",
    "DeliveryFailed": "see to the receiver, or to the settings `smtp_*`; it is tried again by itself",
    "NotFound": "look at the nearest names in `hint`; if it was there a moment ago, somebody has removed it",
    "Conflict": "look at the present state first, then decide; the same call again is refused again",
    "IllegalTransition": "see [the lifecycle](lifecycle.md) for what may follow what",
    "PreconditionFailed": "read it again (its `ETag` is new), then decide",
    "QueueClosed": "use another queue, or open it: `taskforge queues resume NAME`",
    "SharedFile": "SQLite works on the disk of one machine only: use PostgreSQL for more than one",
    "IdempotencyKeyReused": "give each request a key of its own, and keep it only for repeats of the same request",
    "AnswerLost": "look at what it has made, as the message says; a new request needs a new key",
    "RequestInProgress": "send it again after `Retry-After`, under the same key; `taskforge.client` does so itself",
    "QueueFull": "enqueue later, or raise the bound: the queue is as long, or as far behind, as it may be",
    "DuplicateTask": "give one of the two another `name=`",
    "NameTaken": "stop that worker, or give this one another `--name`; one that crashed leaves its name after a lease",
    "NoTransaction": "begin a transaction, or use `enqueue`; roll back one that has failed",
    "Unauthenticated": "send `Authorization: Bearer` with an API key or an access token that still holds",
    "InvalidCredentials": "check the address and the password; after several failures there is a delay",
    "CredentialExpired": "refresh the access token, log in again, or make a new key",
    "CredentialReused": "log in again; if the token was not used twice by your own program, somebody else has it",
    "Forbidden": "ask somebody who may give the permission that `permission` names",
    "Escalation": "give only what you have, in the projects and queues where you have it",
    "CsrfFailed": "send the token of the session in `X-CSRF-Token`",
    "TooManyRequests": "wait as long as `retry_after` says",
    "LimitExceeded": "remove what is not needed, or have the limit raised: `taskforge organizations set`",
    "LeaseLost": "nothing: the job goes on elsewhere",
    "Unavailable": "try again later; if it lasts, `hint` says what to look at (address, rights, room, locks)",
    "TooSlow": "look at what PostgreSQL was busy with, then try again: it may have been done",
    "ProvisionerFailed": "`taskforge scaling history` shows what it said; it is tried again, later each time",
    "ArchiveFailed": "make room, or mend the folder that `archive` names; pruning goes on by itself",
    "SchemaMismatch": "`taskforge migrate`, or install the version that fits the database",
    "JobFailed": "read `error_type` and `traceback`, or `taskforge jobs show ID`; retry when the cause is gone",
    "JobCancelled": "nothing, or retry the job",
    "ResultTimeout": "wait longer, or look later: the job goes on",
}


def transition_diagram() -> str:
    """The state machine as a mermaid diagram."""
    events: dict[tuple[JobStatus, JobStatus], list[str]] = defaultdict(list)
    for (status, event), follower in TRANSITIONS.items():
        events[status, follower].append(event.value)
    lines = ["```mermaid", "stateDiagram-v2", "    direction LR"]
    lines += [
        f"    [*] --> {JobStatus.PENDING.value}: enqueue",
        f"    [*] --> {JobStatus.SCHEDULED.value}: enqueue, due later",
    ]
    lines += [f"    {old.value} --> {new.value}: {', '.join(names)}" for (old, new), names in events.items()]
    lines += [f"    {status.value} --> [*]" for status in JobStatus if status in FINISHED]
    return "\n".join([*lines, "```"])


def transition_table() -> str:
    """Every legal transition as a row."""
    rows = [
        (f"`{status.value}`", f"`{event.value}`", EVENTS[event], f"`{follower.value}`")
        for (status, event), follower in TRANSITIONS.items()
    ]
    return table(("from", "event", "which means that", "to"), rows)


def execution_table() -> str:
    """The statuses of an execution."""

    def kind(status: ExecutionStatus) -> str:
        if status in LIVE:
            return "live"
        return "stored, counts as failed" if status in FAILURES else "stored"

    rows = [(f"`{s.value}`", kind(s), EXECUTION_STATUSES[s]) for s in ExecutionStatus]
    return table(("status", "where it is", "meaning"), rows)


def reason_table() -> str:
    """Why an execution did not succeed."""
    return table(("reason", "meaning"), [(f"`{reason.value}`", REASONS[reason]) for reason in Reason])


def hold_table() -> str:
    """Why a pending job is not handed out."""
    return table(("hold", "meaning"), [(f"`{hold.value}`", HOLDS[hold]) for hold in Hold])


def error_table() -> str:
    """Every error of the family, each under its parent."""

    def rows(error: type[errors.TaskforgeError], depth: int) -> list[tuple[str, str, str, str]]:
        meaning = " ".join((error.__doc__ or "").split("\n\n")[0].split()).replace("``", "`")
        name = "\N{EM SPACE}" * depth + f"`{error.__name__}`"
        below = [row for child in error.__subclasses__() for row in rows(child, depth + 1)]
        own = child_of_the_family(error)
        return [*([(name, f"`{error.code}`", meaning, ADVICE[error.__name__])] if own else []), *below]

    return table(("error", "code", "what it means", "what to do"), rows(errors.TaskforgeError, 0))


def child_of_the_family(error: type[errors.TaskforgeError]) -> bool:
    """Whether it is for callers; what other modules derive is their own affair."""
    return error.__module__ == errors.__name__


def exit_code_table() -> str:
    """How a command ends."""
    return table(("code", "meaning"), [(str(code.value), code.meaning) for code in ExitCode])


def commands_without_a_server() -> str:
    """The commands that do not take --server, and why."""
    return table(("command", "why"), [(f"`{name}`", why) for name, why in BESIDE_A_DATABASE.items()])


def settings_table() -> str:
    """Every setting."""
    rows = [
        (f"`{s.name}`", f"`{s.variable}`", _kind(s), _default(s), s.help.replace("|", "\\|"))
        for s in SETTINGS
    ]
    return table(("setting", "environment", "type", "default", "what it is for"), rows)


PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "lifecycle.md": {
        "diagram": transition_diagram,
        "transitions": transition_table,
        "executions": execution_table,
        "reasons": reason_table,
        "holds": hold_table,
    },
    "errors.md": {"errors": error_table},
    "cli.md": {"commands without a server": commands_without_a_server, "exit codes": exit_code_table},
    "commands.md": {
        "global options": reference_commands.global_options,
        "commands": reference_commands.reference,
        "exit codes": exit_code_table,
    },
    "settings.md": {"settings": settings_table},
    "permissions.md": {
        "roles": reference_permissions.role_table,
        "ungranted": reference_permissions.ungranted,
        "aliases": reference_permissions.alias_table,
        "operations": reference_permissions.operation_table,
    },
    "events.md": {
        "job events": reference_events.job_events,
        "job members": reference_events.job_members,
        "live members": reference_events.live_members,
        "live events": reference_events.live_events,
        "webhook events": reference_events.webhook_events,
    },
    "python.md": {
        **{name: partial(reference_python.group, name) for name in reference_python.GROUPS},
        "options": reference_python.options,
        "schedule options": reference_python.schedule_options,
    },
}


def generated(page: str) -> str:
    """The page as it has to be. Raises ValueError when the place of a part is not marked."""
    return filled(DOCS / page, {name: write() for name, write in PARTS[page].items()})


def filled(page: Path, parts: Mapping[str, str]) -> str:
    """The text of a page with these parts. Raises ValueError when the place of one is not marked."""
    text = page.read_text("utf-8")
    for name, written in parts.items():
        begin, end = f"<!-- generated: {name} -->", f"<!-- end of {name} -->"
        marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if len(marked.findall(text)) != 1:
            raise ValueError(f"{page.name} must have {begin} and {end}, once")
        part = f"{begin}\n{written}\n{end}"
        text = marked.sub(lambda _, part=part: part, text)  # type: ignore[misc]
    return text


def main() -> int:
    """Write the pages, or with --check only say which ones are stale."""
    stale = [page for page in PARTS if generated(page) != (DOCS / page).read_text("utf-8")]
    for page in stale:
        if "--check" in sys.argv:
            print(f"docs/{page} is stale: run python -m scripts.generate_docs", file=sys.stderr)
        else:
            (DOCS / page).write_text(generated(page), "utf-8")
            print(f"wrote docs/{page}")
    return 1 if stale and "--check" in sys.argv else 0


def _kind(setting: Setting) -> str:
    if setting.choices:
        *others, last = (f"`{word}`" for word in setting.choices)
        return f"{', '.join(others)} or {last}"
    if setting.kind is str:
        return "text"
    word = "whole number" if setting.kind is int else "number"
    return f"{word}, {setting.least:,g} to {setting.most:,g}"


def _default(setting: Setting) -> str:
    if setting.default is None:
        return "none"
    return f"`{setting.default:g}`" if isinstance(setting.default, int | float) else f"`{setting.default}`"


if __name__ == "__main__":
    sys.exit(main())
