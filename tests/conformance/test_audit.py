"""The audit log: every change by a person has its entry in the same transaction, and what is sealed stays."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.access import NOBODY, Principal, PrincipalKind, system
from taskforge.domain.audit import Head
from taskforge.domain.errors import Conflict, Forbidden, NotFound, TaskforgeError
from taskforge.domain.ids import DEFAULT_ORGANIZATION
from taskforge.domain.job import JobStatus
from taskforge.domain.pause import PauseKind
from taskforge.domain.queue import QueueState
from taskforge.ports.acting import acting
from taskforge.ports.audit import AuditFilter
from taskforge.services.audit import SCAN_SECONDS, AuditLog
from taskforge.storage.audit import SqlAuditStore
from taskforge.storage.bulk import SqlBulkStore
from taskforge.storage.engine import One, Script
from tests.conformance.stage import Stage, run_sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.domain.audit import AuditEntry

pytestmark = pytest.mark.anyio


def log_of(stage: Stage) -> AuditLog:
    return AuditLog(SqlAuditStore(stage.engine))


async def entries(stage: Stage, **chosen: Any) -> Sequence[AuditEntry]:
    """The entries of the default organization, the newest first."""
    return await log_of(stage).list(DEFAULT_ORGANIZATION, AuditFilter(**chosen))


async def actions(stage: Stage) -> list[str]:
    return [entry.action for entry in reversed(await entries(stage))]


def ana(stage: Stage) -> Principal:
    return Principal(
        PrincipalKind.USER, stage.mint(), "ana@example.com", DEFAULT_ORGANIZATION, credential_id=stage.mint()
    )


async def test_a_change_without_its_entry_is_undone(stage: Stage) -> None:
    queue = await stage.queue()
    before = len(await entries(stage))

    def script() -> Script[None]:
        yield One("delete_queue", {"project_id": stage.project, "queue_id": queue.id})

    with pytest.raises(TaskforgeError, match="delete_queue"):
        await stage.engine.run(script)
    assert await stage.queues.get(stage.project, queue.id) == queue
    assert len(await entries(stage)) == before


async def test_a_change_that_meets_nothing_needs_no_entry(stage: Stage) -> None:
    def script() -> Script[None]:
        yield One("delete_queue", {"project_id": stage.project, "queue_id": stage.mint()})

    await stage.engine.run(script)


async def test_an_entry_that_cannot_be_written_undoes_the_change(stage: Stage) -> None:
    [job] = await stage.add(await stage.queue())
    nameless = Principal(PrincipalKind.USER, stage.mint(), None, None)  # type: ignore[arg-type]
    with acting(nameless), pytest.raises(TaskforgeError):
        await stage.jobs.cancel(stage.project, job)  # type: ignore[arg-type]
    assert (await stage.job(job)).status is JobStatus.PENDING


async def test_who_what_when_from_where_before_and_after(stage: Stage) -> None:
    person = ana(stage)
    queue = await stage.queue("mail")
    with acting(person, address="203.0.113.7", request_id="r-1"):
        await stage.queues.change(stage.project, queue.id, lambda queue: replace(queue, priority=7))
    entry = (await entries(stage))[0]
    assert (entry.action, entry.resource_kind, entry.resource_id, entry.resource_name) == (
        "queue.update",
        "queue",
        str(queue.id),
        "mail",
    )
    assert (entry.actor_kind, entry.actor_id, entry.actor_label, entry.credential_id) == (
        PrincipalKind.USER,
        person.id,
        "ana@example.com",
        person.credential_id,
    )
    assert (entry.address, entry.request_id, entry.happened_at) == ("203.0.113.7", "r-1", stage.clock.now())
    assert (entry.organization_id, entry.project_id) == (DEFAULT_ORGANIZATION, stage.project)
    assert (json.loads(entry.before or ""), json.loads(entry.after or "")) == (
        {"priority": 0},
        {"priority": 7},
    )


async def test_a_program_is_told_as_such(stage: Stage) -> None:
    await stage.queue()
    with acting(system("root at host")):
        await stage.queue("other")
    first, second = reversed(await entries(stage))
    assert (first.actor_kind, first.actor_label) == (PrincipalKind.SYSTEM, "program")
    assert second.actor_label == "root at host"


async def test_where_nobody_is_known_nothing_is_done(stage: Stage) -> None:
    [job] = await stage.add(await stage.queue())
    with acting(NOBODY), pytest.raises(Forbidden, match="nobody"):
        await stage.jobs.cancel(stage.project, job)  # type: ignore[arg-type]
    assert (await stage.job(job)).status is JobStatus.PENDING


async def test_what_people_do_to_queues_pauses_and_jobs(stage: Stage) -> None:
    bulk = SqlBulkStore(stage.engine)
    queue = await stage.queue()
    other = await stage.queue("other")
    for state in (QueueState.PAUSED, QueueState.ACTIVE):
        await stage.queues.change(stage.project, queue.id, lambda q, s=state: replace(q, state=s))  # type: ignore[misc]
    await stage.pauses.create(stage.project, PauseKind.TAG, "x", "why", "ana")
    await stage.pauses.create(stage.project, PauseKind.TAG, "x", "why", "bob")  # stands already
    await stage.pauses.remove(stage.project, PauseKind.TAG, "x")
    await stage.know("t")
    first, *rest = await stage.add(queue, 4)
    await stage.jobs.cancel(stage.project, first)  # type: ignore[arg-type]
    await stage.jobs.cancel(stage.project, first)  # type: ignore[arg-type]  # changes nothing
    await stage.jobs.retry(stage.project, first, other.id)  # type: ignore[arg-type]
    await stage.jobs.delete(stage.project, first)  # type: ignore[arg-type]
    await bulk.cancel(stage.project, rest)
    await bulk.cancel(stage.project, rest)
    await bulk.retry(stage.project, rest, None)
    await bulk.move(stage.project, rest, other.id)
    await bulk.delete(stage.project, rest)
    await stage.queues.delete(stage.project, queue.id)
    assert await actions(stage) == [
        "queue.create", "queue.create", "queue.pause", "queue.resume", "pause.create", "pause.delete", "job.cancel",
        "job.retry", "job.delete", "jobs.cancel", "jobs.retry", "jobs.move", "jobs.delete", "queue.delete",
    ]  # fmt: skip
    by_action = {entry.action: entry for entry in await entries(stage)}
    retried, moved = by_action["job.retry"], by_action["jobs.move"]
    assert json.loads(retried.before or "") == {"status": "cancelled"}
    assert json.loads(retried.after or "") == {"status": "pending", "queue_id": str(other.id)}
    assert json.loads(moved.after or "") == {"jobs": sorted(map(str, rest)), "queue_id": str(other.id)}


async def test_work_itself_is_no_matter_of_the_audit_log(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 3)
    await stage.claim(queue)
    assert await actions(stage) == ["queue.create"]


async def test_entries_are_found_by_what_they_say(stage: Stage) -> None:
    person = ana(stage)
    queues = [await stage.queue(f"q{number}") for number in range(3)]
    with acting(person):
        for queue in queues:
            await stage.queues.delete(stage.project, queue.id)
    assert len(await entries(stage, action="queue.*")) == 6
    assert len(await entries(stage, action="queue.delete")) == 3
    assert len(await entries(stage, actor_id=person.id)) == 3
    assert len(await entries(stage, resource_kind="queue", resource_id=str(queues[0].id))) == 2
    assert len(await entries(stage, project_id=stage.project, since=stage.clock.now())) == 6
    assert len(await entries(stage, until=stage.clock.now())) == 0
    pages = await entries(stage, limit=4)
    assert [*pages, *await entries(stage, limit=4, before=pages[-1].id)] == list(await entries(stage))
    assert await log_of(stage).get(DEFAULT_ORGANIZATION, pages[0].id) == pages[0]
    with pytest.raises(NotFound):
        await log_of(stage).get(stage.mint(), pages[0].id)  # type: ignore[arg-type]


async def test_a_chain_is_sealed_exported_and_holds(stage: Stage) -> None:
    log = log_of(stage)
    for number in range(5):
        await stage.queue(f"q{number}")
    assert await log.seal_all() == 5
    await stage.queue("later")
    exported = [entry async for entry in log.export(DEFAULT_ORGANIZATION)]
    assert [entry.seq for entry in exported] == [1, 2, 3, 4, 5, 6]
    assert [entry.seq async for entry in log.export(DEFAULT_ORGANIZATION, after=4)] == [5, 6]
    assert all(json.loads(json.dumps(entry.document()))["hash"] for entry in exported)
    [verification] = await log.verify_all()
    assert verification.holds
    assert (verification.checked, verification.end.seq) == (6, 6)
    assert (await log.verify(DEFAULT_ORGANIZATION, expected=verification.end)).holds
    assert not (await log.verify(DEFAULT_ORGANIZATION, expected=Head(3, "0" * 64))).holds
    assert not (await log.verify(DEFAULT_ORGANIZATION, expected=Head(9, "0" * 64))).holds


async def test_many_sealers_make_one_chain(stage: Stage) -> None:
    stores = [SqlAuditStore(stage.engine) for _ in range(4)]
    for number in range(12):
        await stage.queue(f"q{number}")
    sealed = await asyncio.gather(*(store.seal(DEFAULT_ORGANIZATION, 5) for store in stores))
    assert sum(sealed) == 12
    assert (await log_of(stage).verify(DEFAULT_ORGANIZATION)).end.seq == 12


async def test_what_was_written_here_is_sealed_soon_and_what_others_left_later(stage: Stage) -> None:
    seconds = 100.0
    log = AuditLog(SqlAuditStore(stage.engine), monotonic=lambda: seconds)
    await log.seal_due()
    await stage.queue()
    assert await log.seal_due() == 1
    await stage.queue("other")
    SqlAuditStore(stage.engine).written()  # as if another process had written it
    assert await log.seal_due() == 0
    seconds += SCAN_SECONDS
    assert await log.seal_due() == 1


SEALED_COLUMNS = {
    "id": "'00000000-0000-7000-8000-0000000000ff'",
    "project_id": "NULL",
    "actor_kind": "'key'",
    "actor_id": "'00000000-0000-7000-8000-0000000000ff'",
    "actor_label": "'somebody else'",
    "credential_id": "'00000000-0000-7000-8000-0000000000ff'",
    "address": "'192.0.2.1'",
    "request_id": "'other'",
    "action": "'queue.nothing'",
    "resource_kind": "'cat'",
    "resource_id": "NULL",
    "resource_name": "'another'",
    "before": "'{}'",
    "after": "NULL",
    "previous_hash": "'0'",
    "hash": "'0'",
}


async def _disarm(stage: Stage) -> None:
    """What somebody does who has the database itself."""
    names = {
        "sqlite": ["DROP TRIGGER audit_entries_stay", "DROP TRIGGER audit_entries_are_not_changed"],
        "postgres": ["ALTER TABLE audit_entries DISABLE TRIGGER USER"],
    }
    for statement in names[stage.dialect]:
        await run_sql(stage.url, statement)


@pytest.mark.parametrize("column", [*SEALED_COLUMNS, "happened_at", "organization_id", "seq"])
async def test_a_changed_entry_is_found_and_named(stage: Stage, column: str) -> None:
    log = log_of(stage)
    for number in range(4):
        await stage.queue(f"q{number}")
    await log.seal_all()
    values = {
        **SEALED_COLUMNS,
        "happened_at": "happened_at + 1"
        if stage.dialect == "sqlite"
        else "happened_at + interval '1 microsecond'",
        "organization_id": "'00000000-0000-7000-8000-0000000000ff'",
        "seq": "77",
    }
    change = f"UPDATE audit_entries SET {column} = {values[column]} WHERE seq = 2"
    with pytest.raises(Exception, match="append-only"):
        await run_sql(stage.url, change)
    await _disarm(stage)
    await run_sql(stage.url, change)
    verification = await log.verify(DEFAULT_ORGANIZATION)
    assert not verification.holds
    assert verification.faults[0].seq == 2
    assert str(verification.faults[0]).startswith("entry 2")


@pytest.mark.parametrize("seq", [1, 2, 4])
async def test_a_removed_entry_is_found(stage: Stage, seq: int) -> None:
    log = log_of(stage)
    for number in range(4):
        await stage.queue(f"q{number}")
    await log.seal_all()
    with pytest.raises(Exception, match="append-only"):
        await run_sql(stage.url, f"DELETE FROM audit_entries WHERE seq = {seq}")
    await _disarm(stage)
    await run_sql(stage.url, f"DELETE FROM audit_entries WHERE seq = {seq}")
    verification = await log.verify(DEFAULT_ORGANIZATION)
    assert verification.faults[0].seq == seq
    assert "removed" in verification.faults[0].problem


async def test_a_whole_chain_made_anew_is_found_by_the_end_that_was_kept(stage: Stage) -> None:
    """Who has the database can compute hashes as well as we can: what is kept elsewhere shows it."""
    log = log_of(stage)
    for number in range(3):
        await stage.queue(f"q{number}")
    await log.seal_all()
    kept = (await log.verify(DEFAULT_ORGANIZATION)).end
    await _disarm(stage)
    await run_sql(
        stage.url, "UPDATE audit_entries SET actor_label = 'x', seq = NULL, hash = NULL, previous_hash = NULL"
    )
    await run_sql(stage.url, "DELETE FROM audit_heads")
    await log.seal_all()
    assert (await log.verify(DEFAULT_ORGANIZATION)).holds
    verification = await log.verify(DEFAULT_ORGANIZATION, expected=kept)
    assert [fault.seq for fault in verification.faults] == [3]


async def test_an_unsealed_entry_cannot_be_changed_either(stage: Stage) -> None:
    await stage.queue()
    for change in (
        "UPDATE audit_entries SET actor_label = 'x'",
        "UPDATE audit_entries SET actor_label = 'x', seq = 1, hash = 'x', previous_hash = 'x'",
        "DELETE FROM audit_entries",
    ):
        with pytest.raises(Exception, match="append-only"):
            await run_sql(stage.url, change)


async def test_a_deletion_that_is_refused_leaves_no_entry(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.queue("dead", dead_letter_queue_id=queue.id)
    with pytest.raises(Conflict):
        await stage.queues.delete(stage.project, queue.id)
    assert await actions(stage) == ["queue.create", "queue.create"]
