"""An examination from outside in: address, reachability, schema, and then what the services find."""

from __future__ import annotations

import platform as machine
from pathlib import Path
from typing import TYPE_CHECKING

from taskforge.domain.errors import NotFound, SchemaMismatch, TaskforgeError, Unavailable
from taskforge.services.health import Finding, Verdict
from taskforge.storage.address import Address, parse_address
from taskforge.storage.migrate import schema_state
from taskforge.version import VERSION
from taskforge.wiring import Wiring

if TYPE_CHECKING:
    from taskforge.coordination.redis_server import RedisServer
    from taskforge.services.agreement import Agreement
    from taskforge.settings import Settings


async def examine(settings: Settings) -> list[Finding]:
    """All findings. What cannot be looked at because of an earlier problem is left out."""
    address = parse_address(settings.database_url)
    where = f"{address.shown} (from {settings.origins['database_url']})"
    program = f"taskforge {VERSION}, Python {machine.python_version()}"
    findings = [Finding("program", Verdict.OK, program)]
    if _is_missing(address):
        detail = f"{where} is not there yet: it is made at first use"
        return [*findings, Finding("database", Verdict.OK, detail)]
    try:
        state = await schema_state(settings.database_url)
        findings.append(Finding("database", Verdict.OK, where))
        state.check()
        findings.append(Finding("schema", Verdict.OK, f"up to date ({len(state.applied)} migrations)"))
        return findings + await _examine_inside(settings)
    except SchemaMismatch as error:
        return [*findings, Finding("schema", Verdict.PROBLEM, error.message, error.hint)]
    except NotFound as error:
        return [*findings, Finding("project", Verdict.PROBLEM, error.message, error.hint)]
    except TaskforgeError as error:
        return [*findings, Finding("database", Verdict.PROBLEM, f"{where}: {error.message}", error.hint)]


def _is_missing(address: Address) -> bool:
    return address.kind == "sqlite" and address.target != ":memory:" and not Path(address.target).exists()


async def _examine_inside(settings: Settings) -> list[Finding]:
    wiring = Wiring(settings)
    try:
        platform = await wiring.platform()
        findings = list(await platform.health.examine())
        if platform.redis is not None:
            findings.append(await _examine_redis(platform.redis))
        if platform.agreement is not None:
            findings.append(await _examine_dispatch(platform.agreement))
        return findings
    finally:
        await wiring.close()


async def _examine_redis(redis: RedisServer) -> Finding:
    from taskforge.coordination.redis_server import SAFE_POLICY

    try:
        policy = await redis.eviction_policy()
    except Unavailable as error:
        return Finding(
            "redis",
            Verdict.WARNING,
            error.message,
            "everything goes on without it, by the database; see redis_url",
        )
    if policy != SAFE_POLICY:
        return Finding(
            "redis",
            Verdict.WARNING,
            f"maxmemory-policy is {policy}: when its memory is full, locks and ready queues may vanish",
            f"CONFIG SET maxmemory-policy {SAFE_POLICY}",
        )
    return Finding("redis", Verdict.OK, f"answers; maxmemory-policy is {policy}")


async def _examine_dispatch(agreement: Agreement) -> Finding:
    try:
        served, broken = await agreement.state()
    except Unavailable as error:
        return Finding("dispatch", Verdict.WARNING, f"the database hands out all jobs: {error.message}", None)
    detail = f"Redis says which job is next in {served - broken} of {served} queues without rules"
    if broken:
        return Finding(
            "dispatch",
            Verdict.WARNING,
            f"{detail}; the database hands out the others",
            "a worker or server with dispatch=redis brings them within seconds; is one running?",
        )
    return Finding("dispatch", Verdict.OK, detail)
