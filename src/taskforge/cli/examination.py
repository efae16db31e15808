"""An examination from outside in: address, reachability, schema, and then what the services find."""

from __future__ import annotations

import os
import platform as machine
from pathlib import Path
from typing import TYPE_CHECKING

from taskforge.cli.local_desk import LocalDesk
from taskforge.domain.errors import NotFound, SchemaMismatch, TaskforgeError
from taskforge.services.disk import examine_disk
from taskforge.services.findings import Finding, Verdict
from taskforge.settings import strays
from taskforge.storage.address import Address, parse_address
from taskforge.storage.migrate import schema_state
from taskforge.version import VERSION
from taskforge.wiring import Wiring

if TYPE_CHECKING:
    from taskforge.settings import Settings


async def examine(settings: Settings) -> list[Finding]:
    """All findings. What cannot be looked at because of an earlier problem is left out."""
    address = parse_address(settings.database_url)
    where = f"{address.shown} (from {settings.origins['database_url']})"
    findings = [program(), *_examine_environment()]
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
        said = Finding("database", Verdict.PROBLEM, f"{where}: {error.message}", error.hint)
        return [*findings, said, *examine_disk(address.folder)]


def program() -> Finding:
    """Which program this is."""
    return Finding("program", Verdict.OK, f"taskforge {VERSION}, Python {machine.python_version()}")


def _examine_environment() -> list[Finding]:
    found = strays(os.environ)
    if not found:
        return []
    hint = "; ".join(f"{name}: did you mean {meant}?" for name, meant in found.items() if meant)
    return [Finding("environment", Verdict.WARNING, f"no settings: {', '.join(found)}", hint or None)]


def _is_missing(address: Address) -> bool:
    return address.folder is not None and not Path(address.target).exists()


async def _examine_inside(settings: Settings) -> list[Finding]:
    wiring = Wiring(settings)
    try:
        return await LocalDesk(await wiring.platform()).diagnosis()
    finally:
        await wiring.close()
