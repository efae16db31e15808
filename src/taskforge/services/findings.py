"""What an examination can say: the sentence of each finding, and what mends it. Programs take the code and the details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple


class Verdict(StrEnum):
    """How a finding is to be taken; only a problem is wrong."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(NamedTuple):
    """One thing that was looked at. ``code`` and ``details`` say the same as ``detail`` and ``hint``, to be said in
    another language; None where the sentence is all there is."""

    check: str
    verdict: Verdict
    detail: str
    hint: str | None = None
    code: str | None = None
    details: Mapping[str, Any] = {}


class Sentence(NamedTuple):
    """How a finding is said. Names in braces are its details."""

    check: str
    verdict: Verdict
    detail: str
    hint: str | None = None


_OK, _WARNING, _PROBLEM = Verdict.OK, Verdict.WARNING, Verdict.PROBLEM
_NO_RECOVERY = "no process looks after them: start a worker, each does the recovery too"

SENTENCES: Mapping[str, Sentence] = {
    "durability": Sentence("durability", _OK, "version {version}, {settings}"),
    "durability_unsafe": Sentence(
        "durability", _PROBLEM, "not safe: {settings}", "an accepted job may be lost; set it back"
    ),
    "disk": Sentence("disk", _OK, "{mebibytes} MiB are free where the database's file lies"),
    "disk_tight": Sentence(
        "disk",
        _WARNING,
        "only {mebibytes} MiB are free where the database's file lies",
        "make room; taskforge prune --help says how ended jobs go",
    ),
    "disk_full": Sentence(
        "disk",
        _PROBLEM,
        "{mebibytes} MiB are free where the database's file lies: soon no job can be accepted or settled",
        "make room; results wait until there is some",
    ),
    "clock": Sentence("clock", _OK, "{milliseconds} ms from the database's"),
    "clock_ahead": Sentence(
        "clock",
        _WARNING,
        "this machine is {seconds} s ahead of the database",
        "synchronize both; due times follow the database's clock",
    ),
    "clock_behind": Sentence(
        "clock",
        _WARNING,
        "this machine is {seconds} s behind the database",
        "synchronize both; due times follow the database's clock",
    ),
    "workers": Sentence("workers", _OK, "{count} alive"),
    "workers_none": Sentence("workers", _OK, "none runs"),
    "workers_silent": Sentence(
        "workers", _WARNING, "{count} alive; silent: {names}", "recovery takes their jobs over by itself"
    ),
    "queues": Sentence("queues", _OK, "waiting jobs: {count}"),
    "queues_unserved": Sentence(
        "queues",
        _PROBLEM,
        "jobs wait in queues that no worker serves: {queues}",
        "start one: taskforge worker -q {names}",
    ),
    "queues_unassigned": Sentence(
        "queues",
        _PROBLEM,
        "jobs wait in queues of which no assigned worker is online: {queues}",
        "start a worker that is assigned: taskforge assignments list -q {first}",
    ),
    "queues_paused": Sentence(
        "queues", _WARNING, "jobs wait in queues that are paused: {queues}", "taskforge queues resume {first}"
    ),
    "job_types": Sentence("job types", _OK, "every waiting job is known to a worker"),
    "job_types_unknown": Sentence(
        "job types",
        _WARNING,
        "jobs wait whose task no worker knows: {types}",
        "start a worker with the application that has the task, or cancel them",
    ),
    "recovery": Sentence("recovery", _OK, "nothing is late"),
    "recovery_leases": Sentence(
        "recovery", _PROBLEM, "running jobs whose lease ran out: {count}", _NO_RECOVERY
    ),
    "recovery_scheduled": Sentence(
        "recovery", _PROBLEM, "scheduled jobs that are overdue: {count}", _NO_RECOVERY
    ),
    "recovery_limits": Sentence(
        "recovery", _PROBLEM, "jobs that waited longer than they may: {count}", _NO_RECOVERY
    ),
    "schedules": Sentence("schedules", _OK, "nothing is due"),
    "schedules_next": Sentence("schedules", _OK, "the next run is due at {at}"),
    "schedules_overdue": Sentence(
        "schedules",
        _PROBLEM,
        "a run has been due since {at}",
        "no scheduler runs: taskforge scheduler APP, or taskforge worker APP --schedules",
    ),
    "settings": Sentence("settings", _OK, "those of every queue are sound"),
    "settings_broken": Sentence(
        "settings",
        _PROBLEM,
        "queues with settings that do not hold: {queues}",
        "they count as not set; write them anew: taskforge queues set {first} KEY=VALUE",
    ),
    "records": Sentence("records", _OK, "sound in the {count} newest jobs"),
    "records_broken": Sentence(
        "records", _PROBLEM, "jobs that break a promise: {records}", "please report this: it must not happen"
    ),
    "partitions": Sentence("partitions", _OK, "{count} from {first} to {last}, {mebibytes} MiB"),
    "partitions_missing": Sentence(
        "partitions",
        _WARNING,
        "none for {days}",
        "workers make them, if their role may create tables; so does taskforge migrate",
    ),
    "partitions_strays": Sentence(
        "partitions",
        _WARNING,
        "rows in none: {tables}",
        "they are pruned one by one; taskforge migrate makes partitions for the next ones",
    ),
    "tables": Sentence("tables", _OK, "{tables}"),
    "tables_dead": Sentence("tables", _OK, "{tables}; dead rows: {dead}"),
    "tables_rows": Sentence("tables", _OK, "{tables}; rows at most: {rows}"),
    "tables_bloated": Sentence(
        "tables",
        _WARNING,
        "{tables}; more dead rows than live ones: {dead}",
        "see that autovacuum runs, and that no transaction stays open; VACUUM helps at once",
    ),
    "transactions": Sentence("transactions", _OK, "none is open"),
    "transactions_open": Sentence("transactions", _OK, "the oldest is open for {seconds} s"),
    "transactions_old": Sentence(
        "transactions",
        _WARNING,
        "one is open for {seconds} s (pid {pid}, {program}, {state})",
        "no dead row goes while it is open, so tables grow and claims slow down: end it",
    ),
    "indexes": Sentence("indexes", _OK, "all are valid"),
    "indexes_broken": Sentence(
        "indexes", _PROBLEM, "not valid: {names}", "REINDEX INDEX CONCURRENTLY {first}"
    ),
    "counters": Sentence("counters", _OK, "{count} wait to be folded"),
    "counters_behind": Sentence(
        "counters",
        _WARNING,
        "{count} wait to be folded, the oldest for {seconds} s",
        "metrics are right, and get slow: start a worker or a server, each folds",
    ),
    "redis_none": Sentence("redis", _OK, "none is set: the database does everything by itself"),
    "redis": Sentence("redis", _OK, "answers; maxmemory-policy is {policy}"),
    "redis_away": Sentence(
        "redis",
        _WARNING,
        "does not answer: {reason}",
        "everything goes on without it, by the database; see redis_url",
    ),
    "redis_rests": Sentence(
        "redis",
        _WARNING,
        "has not answered, and is asked again in a moment",
        "everything goes on without it, by the database; see redis_url",
    ),
    "redis_evicts": Sentence(
        "redis",
        _WARNING,
        "maxmemory-policy is {policy}: when its memory is full, locks and ready queues may vanish",
        "CONFIG SET maxmemory-policy {safe}",
    ),
    "dispatch": Sentence(
        "dispatch", _OK, "Redis says which job is next in {agreeing} of {count} queues without rules"
    ),
    "dispatch_partly": Sentence(
        "dispatch",
        _WARNING,
        "Redis says which job is next in {agreeing} of {count} queues without rules; the database hands out the others",
        "a worker or server with dispatch=redis brings them within seconds; is one running?",
    ),
    "dispatch_away": Sentence(
        "dispatch", _WARNING, "the database hands out all jobs, since Redis does not answer"
    ),
}


def found(code: str, **details: Any) -> Finding:
    """The finding of this code. A list or a mapping is not empty; its ``first`` is a detail as well."""
    check, verdict, detail, hint = SENTENCES[code]
    values = {name: _in_words(value) for name, value in details.items()}
    said = None if hint is None else hint.format(**values)
    return Finding(check, verdict, detail.format(**values), said, code, details)


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} ({_in_words(one)})" for name, one in value.items())
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_in_words, value))
    return f"{value:,}" if isinstance(value, int | float) else str(value)
