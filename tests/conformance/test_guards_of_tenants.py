"""Every statement that changes rows of one tenant, by itself, on rows made for it alone (`changes.py`).

Each is given a row that it would change: sent for another project, or organization, it changes nothing, nor where the row, or what the
caller has seen of it (`unless`), is another; sent for the row's own one it changes it, and no other row of the same tenant.
Most callers look before; these tests notice when a statement relies on that.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest

from taskforge.domain.ids import DEFAULT_ORGANIZATION, DEFAULT_PROJECT
from taskforge.domain.job import Hold
from taskforge.domain.keys import JobKeys
from taskforge.domain.outcome import Failed, Outcome, Released, Succeeded
from taskforge.domain.pause import PauseKind
from taskforge.storage.engine import Many, One
from taskforge.storage.sqlite.connection import microseconds
from taskforge.storage.statements import catalog
from tests.conformance.changes import CHANGES, LATER, ROWS, STATUSES, of_jobs
from tests.conformance.stage import BOOM, NOON, OTHER_PROJECT, plain_policy
from tests.conformance.test_guards_of_projects import BY_ANOTHER
from tests.proof.crash_points import writing_statements
from tests.proof.mutations import mutations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

_TABLE = re.compile(r"\b(?:INSERT INTO|DELETE FROM|(?<!DO )(?<!FOR )UPDATE) (\w+)")
OF_ORGANIZATIONS = {
    "roles", "users", "memberships", "idempotency_keys", "audit_entries", "audit_heads", "api_keys", "sessions",
}  # fmt: skip
ANOTHER_ORGANIZATION = UUID(int=0xC3)

ELSEWHERE = {
    **dict.fromkeys(BY_ANOTHER, "test_guards_of_projects"),
    **dict.fromkeys(("accept_job", "accept_jobs", "claim_jobs"), "test_guards, test_accept, test_claim"),
    "accept_keyed_jobs": "below, and test_guards_of_projects",
    "claim_ruled_jobs": "test_guards_of_projects",
    "claim_weighed_jobs": "below",
    "give_places": "test_guards_of_projects",
    "lock_keys": "locks, and changes nothing",
    **dict.fromkeys(("delete_organization", "update_organization", "update_project"), "below"),
    "join_common_line": "below",
    **dict.fromkeys(("append_audit", "create_queue", "create_operation"), "below"),
    **dict.fromkeys(("create_receiver", "create_rule", "create_silence"), "below"),
    "delete_project": "below",
    "promote_jobs": "test_sweep: of all projects, or of one",
    **dict.fromkeys(
        ("beat_jobs", "note_endings", "recovery_outlook"), "by the fence, or each row's own project"
    ),
    "release_holds": "test_guards: a job and its task are joined by project",
}
"""Statements that name the project in another way, and which tests look at them."""


def test_every_statement_of_one_tenant_is_looked_at() -> None:
    changing = writing_statements()
    named = {
        mutation.statement
        for dialect in ("sqlite", "postgres")
        for mutation in mutations(dialect)
        if mutation.statement in changing
        and ("project_id" in mutation.condition or "organization_id" in mutation.condition)
    }
    assert named == CHANGES.keys() | ELSEWHERE.keys()


def _owner(table: str) -> tuple[str, UUID]:
    """The column that says whose a row is, and who it is here."""
    if table in {"projects", "organizations"}:
        return "id", DEFAULT_PROJECT if table == "projects" else DEFAULT_ORGANIZATION
    if table in OF_ORGANIZATIONS:
        return "organization_id", DEFAULT_ORGANIZATION
    return "project_id", DEFAULT_PROJECT


class Case:
    """One run of a statement: its own rows, its own ids."""

    def __init__(self, stage: Stage, name: str, number: int, unless: Mapping[str, Any] | None = None) -> None:
        self._stage = stage
        self._name = name
        self._number = number
        self._unless = unless or {}
        self._change = CHANGES[name]
        block = catalog(stage.dialect)[name]
        written = {table for statement in block for table in _TABLE.findall(statement.sql)}
        self._takes = {parameter for statement in block for parameter in statement.parameters}
        self._tables = sorted(written)
        self._own: set[str] = set()

    @property
    def is_of_one(self) -> bool:
        """Whether it names what it changes, and not all that the tenant has."""
        given = [
            *self._change.values.values(),
            *(one for cells in self._change.columns.values() for one in cells),
        ]
        return any(str(value).strip("['").startswith("@") for value in given)

    def is_another_s(self, row: str) -> bool:
        """Whether it has none of the ids that were made for this case, and is no tenant itself."""
        return row.split()[0] not in ONE_FOR_EACH_TENANT and not any(own in row for own in self._own)

    async def changes(self, project: UUID, organization: UUID) -> list[str]:
        """Send it for this tenant; the rows of the owner that are other than before, as they were and as they are."""
        before = await self._look()
        values = {name: self._given(name, value) for name, value in self._change.values.items()}
        tenant = {"project_id": project, "organization_id": organization}
        values |= {
            name: value for name, value in tenant.items() if name in self._takes and name not in values
        }
        given = {name: self._bound(value) for name, value in self._change.columns.items()}
        call = Many(self._name, given, values) if given else One(self._name, values)
        await self._stage.engine.call(call)
        after = await self._look()
        return [row for row in (*before, *after) if row not in before or row not in after]

    async def make(self) -> None:
        """Its rows."""
        rows = {table: dict(columns) for table, columns in self._change.rows.items()}
        for name, value in self._unless.items():
            table, _, column = name.partition(".")
            if column:
                busy = {} if table != "jobs" else of_jobs("processing")
                rows.setdefault(table, busy)[column] = value
        for table, columns in rows.items():
            column, owner = _owner(table)
            row = {column: owner, **ROWS[table], **columns}
            await _insert(self._stage, table, row, f"{self._name} {self._number}")

    async def _look(self) -> list[str]:
        found: list[str] = []
        for table in self._tables:
            column, owner = _owner(table)
            rows = await self._stage.sql(f"SELECT * FROM {table} WHERE {column} = '{owner}'")
            found += sorted(f"{table} {tuple(row)}" for row in rows)
        return found

    def _given(self, name: str, value: Any) -> Any:
        return self._bound(self._unless.get(f":{name}", value))

    def _bound(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._bound(one) for one in value]
        identity = _identity(value, f"{self._name} {self._number}")
        if isinstance(identity, UUID) and identity != value:
            self._own.add(str(identity))
        return str(identity) if value in NAMED.get(self._name, ()) else identity


def _identity(value: Any, made_for: str) -> Any:
    """The id that a name with @ stands for; any other value is itself."""
    if isinstance(value, str) and value.startswith("@"):
        return uuid5(NAMESPACE_OID, f"{made_for} {value}")
    return value


def _literal(dialect: str, value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime):
        return str(microseconds(value)) if dialect == "sqlite" else f"'{value.isoformat()}'"
    return str(value) if isinstance(value, int | float) else f"'{value}'"


async def _insert(stage: Stage, table: str, row: Mapping[str, Any], made_for: str = "") -> None:
    literals = {name: _literal(stage.dialect, _identity(value, made_for)) for name, value in row.items()}
    hold = literals.pop("hold", "NULL")
    await stage.sql(f"INSERT INTO {table} ({', '.join(literals)}) VALUES ({', '.join(literals.values())})")
    if hold != "NULL":  # a job that is accepted as paused is looked at once more
        await stage.sql(f"UPDATE jobs SET hold = {hold} WHERE id = {literals['id']}")


NAMED = {
    "remove_pause": ("@pause",),
    "supersede_workers": ("@worker",),
    "delete_calendar": ("@calendar",),
    "renew_lease": ("@lease",),
    **dict.fromkeys(
        ("update_rule", "update_receiver", "update_queue", "update_role", "rename_key"), ("@else",)
    ),
}
"""Where a made id is a name, which is a text."""


ONE_FOR_EACH_TENANT = {"organizations", "projects", "audit_heads"}
NEIGHBOUR = 99
LOOKED_AT = list(CHANGES)
"""Only one of them where its guards are taken away (tests/proof/mutant.py)."""


async def test_a_statement_changes_what_is_its_tenant_s_and_stands_as_it_must(stage: Stage) -> None:
    await stage.other_project()
    await stage.sql(f"INSERT INTO organizations (id, name) VALUES ('{ANOTHER_ORGANIZATION}', 'another')")
    await stage.know("t")
    wrong: list[str] = []
    for name in LOOKED_AT:
        change = CHANGES[name]
        for number, unless in enumerate(change.unless, 1):
            refused = Case(stage, name, number, unless)
            await refused.make()
            if await refused.changes(stage.project, DEFAULT_ORGANIZATION):
                wrong.append(f"{name} in spite of {dict(unless)}")
        case = Case(stage, name, 0)
        await case.make()
        if await case.changes(OTHER_PROJECT, ANOTHER_ORGANIZATION):
            wrong.append(f"{name} of another tenant")
        if case.is_of_one:
            await Case(stage, name, NEIGHBOUR).make()
        changed = await case.changes(stage.project, DEFAULT_ORGANIZATION)
        if not changed:
            wrong.append(f"{name} changes nothing at all")
        if case.is_of_one and any(case.is_another_s(row) for row in changed):
            wrong.append(f"{name} changes a neighbour")
    assert wrong == []


CREATED: dict[str, tuple[str, dict[str, Any]]] = {
    "create_rule": ("alert_rules", {"rule_id": None, "name": "r", "spec": "{}", "enabled": True}),
    "create_receiver": ("alert_receivers", {"receiver_id": None, "name": "r", "kind": "webhook", "address": "a"}),
    "create_silence": (
        "alert_silences",
        {
            "silence_id": None, "rule_id": None, "subject": None, "starts_at": None, "ends_at": LATER,
            "reason": None, "made_by": None,
        },
    ),
    "create_operation": (
        "operations",
        {
            "operation_id": None, "action": "cancel", "chosen": "{}", "target_queue_id": None, "per_second": None,
            "counted": 1, "is_bounded": True, "actor": "a",
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CREATED)
async def test_what_a_project_may_have_is_counted_by_what_it_has(stage: Stage, name: str) -> None:
    """With a limit of one, each of two projects gets one."""
    other = await stage.other_project()
    table, values = CREATED[name]
    for project, made in ((other, 1), (stage.project, 1), (stage.project, 0), (other, 0)):
        given = {**values, next(iter(values)): stage.mint()}
        created = await stage.engine.call(One(name, {**given, "project_id": project, "most": 1}))
        assert [str(row["project_id"]) for row in created] == [str(project)] * made
    rows = await stage.sql(f"SELECT project_id FROM {table}")
    assert sorted(str(row[0]) for row in rows) == sorted([str(stage.project), str(other)])


async def test_an_operation_that_has_ended_leaves_room_for_another(stage: Stage) -> None:
    values = CREATED["create_operation"][1]
    for _ in range(2):
        given = {**values, "operation_id": stage.mint(), "project_id": stage.project, "most": 1}
        [row] = await stage.engine.call(One("create_operation", given))
        ended = {"project_id": stage.project, "operation_id": stage.engine.identity(row["id"])}
        assert await stage.engine.call(One("cancel_operation", ended))


async def test_an_operation_that_has_ended_is_nobody_s_to_carry_out(stage: Stage) -> None:
    values = CREATED["create_operation"][1]
    given = {**values, "operation_id": stage.mint(), "project_id": stage.project, "most": 1}
    [row] = await stage.engine.call(One("create_operation", given))
    take = One("take_operation", {"lease_us": 0})
    assert len(await stage.engine.call(take)) == 1
    ended = {"project_id": stage.project, "operation_id": stage.engine.identity(row["id"])}
    assert await stage.engine.call(One("cancel_operation", ended))
    assert await stage.engine.call(take) == []


async def test_entries_of_the_audit_log_are_of_the_project_s_organization(stage: Stage) -> None:
    elsewhere, theirs = stage.mint(), stage.mint()
    await stage.sql(f"INSERT INTO organizations (id, name) VALUES ('{elsewhere}', 'elsewhere')")
    await stage.sql(
        f"INSERT INTO projects (id, organization_id, name) VALUES ('{theirs}', '{elsewhere}', 'theirs')"
    )
    nothing = dict.fromkeys(
        (
            "organization_id",
            "credential_id",
            "address",
            "request_id",
            "resource_id",
            "resource_name",
            "before",
            "after",
        )
    )
    for project in (stage.project, theirs):
        entry = {
            "id": stage.mint(), "project_id": project, "actor_kind": "user", "actor_id": stage.mint(),
            "actor_label": "a", "action": "test.done", "resource_kind": "test", **nothing,
        }  # fmt: skip
        await stage.engine.call(One("append_audit", entry))
    rows = await stage.sql("SELECT project_id, organization_id FROM audit_entries")
    assert {str(row[0]): str(row[1]) for row in rows} == {
        str(stage.project): str(DEFAULT_ORGANIZATION),
        str(theirs): str(elsewhere),
    }


async def test_a_new_queue_is_marked_by_pauses_of_its_own_project(stage: Stage) -> None:
    other = await stage.other_project()
    await stage.pauses.create(stage.project, PauseKind.TYPE, "quiet", None, "test")
    for project, marked in ((stage.project, True), (other, False)):
        queue = await stage.queue("new", project=project)
        rows = await stage.sql(f"SELECT project_has_pauses FROM queues WHERE id = '{queue.id}'")
        assert [bool(row[0]) for row in rows] == [marked]
    await stage.pauses.remove(stage.project, PauseKind.TYPE, "quiet")
    await stage.engine.call(One("flag_pauses", {"project_id": stage.project}))
    await stage.queue("after the pause")
    rows = await stage.sql("SELECT project_has_pauses FROM queues")
    assert [bool(row[0]) for row in rows] == [False] * 3


async def test_a_keyed_job_of_a_task_that_only_another_project_knows_has_no_worker(stage: Stage) -> None:
    await stage.know("theirs", project=await stage.other_project())
    job_id = await stage.add_keyed(await stage.queue(), JobKeys(key="k"), "theirs")
    assert (await stage.job(job_id)).hold is Hold.NO_WORKER


async def test_a_project_and_an_organization_are_renamed_alone(stage: Stage) -> None:
    other, elsewhere = await stage.other_project(), stage.mint()
    await stage.sql(f"INSERT INTO organizations (id, name) VALUES ('{elsewhere}', 'elsewhere')")
    values = {"organization_id": elsewhere, "project_id": other, "name": "renamed"}
    assert await stage.engine.call(One("update_project", values)) == []
    assert (
        len(
            await stage.engine.call(
                One("update_project", {**values, "organization_id": DEFAULT_ORGANIZATION})
            )
        )
        == 1
    )
    limits = dict.fromkeys(("max_queued_jobs", "max_workers", "max_schedules", "max_requests_per_second"))
    settings = {
        "organization_id": elsewhere,
        "name": "renamed",
        **limits,
        "redacted_keys": "[]",
        "is_suspended": True,
    }
    assert len(await stage.engine.call(One("update_organization", settings))) == 1
    for table in ("projects", "organizations"):
        rows = await stage.sql(f"SELECT id FROM {table} WHERE name = 'renamed'")
        assert [str(row[0]) for row in rows] == [str(other if table == "projects" else elsewhere)]


async def test_a_project_goes_alone(stage: Stage) -> None:
    other = await stage.other_project()
    await stage.sql(
        "INSERT INTO projects (id, organization_id, name) "
        f"VALUES ('{stage.mint()}', '{DEFAULT_ORGANIZATION}', 'a third, without anything')"
    )
    values = {"organization_id": DEFAULT_ORGANIZATION, "project_id": other}
    assert await stage.engine.call(One("delete_project", {**values, "organization_id": stage.mint()})) == []
    assert len(await stage.engine.call(One("delete_project", values))) == 1
    assert len(await stage.sql("SELECT id FROM projects")) == 2


async def test_an_organization_goes_alone(stage: Stage) -> None:
    gone, stays = stage.mint(), stage.mint()
    for identity in (gone, stays):
        await stage.sql(f"INSERT INTO organizations (id, name) VALUES ('{identity}', '{identity}')")
    assert len(await stage.engine.call(One("delete_organization", {"organization_id": gone}))) == 1
    rows = await stage.sql("SELECT id FROM organizations")
    assert {str(row[0]) for row in rows} == {str(DEFAULT_ORGANIZATION), str(stays)}


async def test_from_another_dispatcher_the_configuration_s_version_is_the_project_s(stage: Stage) -> None:
    other = await stage.other_project()
    await stage.sql(f"UPDATE projects SET config_version = 77 WHERE id = '{other}'")
    values = {**CHANGES["claim_these_jobs"].values, "worker_id": stage.mint(), "job_ids": [], "queue_ids": []}
    for project, version in ((other, 77), (stage.project, await stage.config_version())):
        rows = await stage.engine.call(One("claim_these_jobs", {**values, "project_id": project}))
        assert [row["config_version"] for row in rows] == [version]


async def test_what_was_weighed_is_claimed_if_it_still_waits_there(stage: Stage) -> None:
    """What was chosen may have changed since; starts are counted, and turns are taken, in the queue of who asks."""
    other = await stage.other_project()
    queue = await stage.queue(policy="fair", rate_limit=9)

    async def claim(project: UUID, *rows: Mapping[str, Any], since: int = 0) -> int:
        """How many more jobs run when those that were chosen have become such rows, so much later at the gate."""
        chosen = [stage.mint() for _ in rows]
        for identity, columns in zip(chosen, rows, strict=True):
            row = {
                **ROWS["jobs"],
                "project_id": stage.project,
                "queue_id": queue.id,
                **columns,
                "id": identity,
            }
            await _insert(stage, "jobs", row)
        before = await started()
        values = {
            **CHANGES["claim_these_jobs"].values, "project_id": project, "queue_id": queue.id,
            "worker_id": stage.mint(), "job_ids": chosen, "turn_key": "next", "turn_left": 1, "shares": None,
        }  # fmt: skip
        if stage.dialect == "sqlite":
            named = ", ".join(f"'{identity}'" for identity in chosen)
            values["job_ids"] = [
                row[0] for row in await stage.sql(f"SELECT rowid FROM jobs WHERE id IN ({named})")
            ]
        values["version"] = (await stage.sql("SELECT version FROM queue_gates"))[0][0] - since
        await stage.engine.call(One("claim_weighed_jobs", values))
        return await started() - before

    async def started() -> int:
        return int((await stage.sql("SELECT coalesce(sum(claim_seq), 0) FROM jobs"))[0][0])

    async def noted() -> tuple[int, int]:
        starts = await stage.sql("SELECT coalesce(sum(starts), 0) FROM queue_starts")
        turns = await stage.sql("SELECT count(*) FROM queue_gates WHERE turn_key = 'next'")
        return int(starts[0][0]), int(turns[0][0])

    changed = [of_jobs(status) for status in STATUSES if status != "pending"]
    held: list[Mapping[str, Any]] = [
        {"hold": "paused"},
        {"hold": "no_worker"},
        {"hold": "key", "concurrency_limit": 1},
    ]
    assert await claim(stage.project, *changed, *held, {"queue_id": stage.mint()}) == 0
    await stage.sql("UPDATE queue_gates SET turn_key = ''")
    assert await claim(other, {}) == 0
    assert await claim(stage.project, {}, since=1) == 0
    assert await noted() == (0, 0)
    assert await claim(stage.project, {}, {"hold": "suspect"}) == 2
    assert await noted() == (2, 1)


@pytest.mark.parametrize("outcome", [Released(), Failed(BOOM)], ids=["released", "failed"])
async def test_an_end_that_is_told_again_is_counted_once(stage: Stage, outcome: Outcome) -> None:
    """Even where one half of the fence is that of the run which has begun since."""
    queue = await stage.queue()
    old = await stage.start(queue)
    assert await stage.finish(old, outcome, policy=plain_policy(base=0.0))
    await stage.jobs.promote(None, 10)
    new = await stage.claim_one(queue)
    assert new.id == old.id

    async def counted() -> tuple[int, int]:
        deltas = await stage.sql("SELECT count(*) FROM attempt_deltas")
        failures = await stage.sql("SELECT count(*) FROM failure_deltas")
        return deltas[0][0], failures[0][0]

    before = await counted()
    for forged in (old, old._replace(claim_seq=new.claim_seq), new._replace(claim_seq=old.claim_seq)):
        assert not await stage.finish(forged, outcome)
        assert await counted() == before
    assert await stage.finish(new, Succeeded("1"))
    ended = (await stage.job(new.id)).completed_at
    before = await counted()
    stage.clock.advance(5)
    for again in (new, old._replace(claim_seq=new.claim_seq), new._replace(claim_seq=old.claim_seq)):
        for said in (outcome, Succeeded("2")):
            assert not await stage.finish(again, said)
    assert await counted() == before
    assert (await stage.job(new.id)).completed_at == ended


@pytest.mark.parametrize(
    "busy", [{"status": "pending"}, {"status": "processing"}, {"hold": "suspect"}], ids=str
)
async def test_a_probe_takes_no_more_places_of_its_key_than_there_are(
    stage: Stage, busy: dict[str, Any]
) -> None:
    """The places, and those who have them, are of its own project; a job that has ended or is held has none."""
    other = await stage.other_project()
    key = {"concurrency_key": "k", "concurrency_limit": 9}

    async def put(project: UUID, **columns: Any) -> UUID:
        identity = stage.mint()
        row = {**ROWS["jobs"], "project_id": project, **key, **columns, "id": identity}
        await _insert(stage, "jobs", row)
        return identity

    async def released(job_id: UUID) -> bool:
        values = {"project_id": stage.project, "job_id": job_id, "claim_seq": 0}
        return bool(await stage.engine.call(One("release_probe", values)))

    probe = await put(stage.project, hold="paused")
    await _insert(stage, "concurrency_keys", {"project_id": other, "key": "k", "places": 9})
    assert not await released(probe), "the other project's places are not its own"
    await _insert(stage, "concurrency_keys", {"project_id": stage.project, "key": "k", "places": 1})
    has_it = await put(stage.project, **of_jobs(busy.get("status", "pending")), hold=busy.get("hold"))
    assert not await released(probe)
    await stage.sql(f"DELETE FROM jobs WHERE id = '{has_it}'")
    await put(other)
    await put(stage.project, **of_jobs("succeeded"))
    await put(stage.project, hold="paused")
    assert await released(probe)


async def test_what_alerts_leave_behind_is_forgotten_when_it_is_old(stage: Stage) -> None:
    """One row of each table is too young; who is to be told has not been told."""
    keep = timedelta(minutes=30)
    times = {
        "job_notices": "told_at",
        "job_endings": "ended_at",
        "deliveries": "created_at",
        "alert_silences": "ends_at",
    }
    await _insert(stage, "alert_receivers", {**ROWS["alert_receivers"], "project_id": stage.project})
    for table, column in times.items():
        for moment in (NOON - keep, NOON + keep, *([None] if column == "told_at" else [])):
            row = {**ROWS[table], "project_id": stage.project, column: moment}
            start = {"starts_at": NOON - 2 * keep} if table == "alert_silences" else {}
            own: dict[str, Any] = {key: stage.mint() for key in ("id", "job_id") if key in row}
            await _insert(stage, table, {**row, **start, **own})
    await stage.engine.call(One("forget_old_alerts", {"keep_us": 30 * 60_000_000}))
    left = {table: (await stage.sql(f"SELECT count(*) FROM {table}"))[0][0] for table in times}
    assert left == {"job_notices": 2, "job_endings": 1, "deliveries": 1, "alert_silences": 1}


async def test_all_jobs_of_a_queue_that_have_not_ended_join_the_common_line(stage: Stage) -> None:
    other, queue_id = await stage.other_project(), stage.mint()
    kinds = [of_jobs(status) for status in ("pending", "scheduled", "processing", "succeeded")]
    for row in (*kinds, {"hold": "paused"}, {"hold": "key", "concurrency_limit": 1}):
        job = {**ROWS["jobs"], "project_id": stage.project, **row, "id": stage.mint(), "queue_id": queue_id}
        await _insert(stage, "jobs", job)
    for project, joined in ((other, set()), (stage.project, {"pending", "scheduled", "processing"})):
        await stage.engine.call(One("join_common_line", {"project_id": project, "queue_id": queue_id}))
        rows = await stage.sql("SELECT status FROM jobs WHERE fairness_key = ''")
        assert {row[0] for row in rows} == joined
    assert len(rows) == 5


@pytest.mark.parametrize(
    ("told", "is_told"), [(None, True), (NOON - timedelta(hours=1), False), (NOON, True)]
)
async def test_who_asked_for_one_notice_is_told_of_the_end_that_it_was_for(
    stage: Stage, told: datetime | None, is_told: bool
) -> None:
    job_id = stage.mint()
    of_job = {"project_id": stage.project, "job_id": job_id}
    await _insert(stage, "job_endings", {**ROWS["job_endings"], **of_job})
    await _insert(stage, "job_notices", {**ROWS["job_notices"], **of_job, "told_at": told})
    [row] = await stage.engine.call(One("take_endings", {"project_id": stage.project, "limit": 1}))
    assert (row["own"] is not None) == is_told
