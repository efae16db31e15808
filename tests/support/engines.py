"""Which databases a test run has, and how its processes come to share the servers.

Under pytest-xdist the controller starts the servers once and hands their addresses to the workers; without it the
one process starts them, and only if a collected test asks for a database. SQLite is always there.
"""

import json
import os
import sqlite3
from functools import cached_property
from typing import Any

import pytest

from tests.support.postgres import GIVEN_LABEL, GIVEN_VARIABLE, PostgresServer, StartedServers, start_all
from tests.support.postgres_installations import (
    HOW_TO_GET_SYSTEM,
    HOW_TO_GET_WHEEL,
    PostgresInstallation,
    find_installations,
)

SQLITE = "sqlite"
ENGINES_VARIABLE = "TASKFORGE_TEST_ENGINES"
WORKER_INPUT = "taskforge_postgres_servers"


class Engines:
    """The database engines of one test run, as seen by one of its processes."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._only = {
            part.strip() for part in os.environ.get(ENGINES_VARIABLE, "").split(",") if part.strip()
        }

    def wanted(self, label: str) -> bool:
        """Whether an engine may be used, by TASKFORGE_TEST_ENGINES (a list by commas; empty means all)."""
        return not self._only or label in self._only

    @cached_property
    def postgres(self) -> dict[str, PostgresServer]:
        """The running PostgreSQL servers by label; the first look starts them, if that is ours to do."""
        return {server.label: server for server in self._started.servers}

    @property
    def postgres_labels(self) -> list[str]:
        """The labels of the PostgreSQL servers to test against, without starting any for a mere listing."""
        if self._config.option.collectonly and WORKER_INPUT not in self._worker_input:
            given = [GIVEN_LABEL] if os.environ.get(GIVEN_VARIABLE) else None
            return given or [found.label for found in self.installations]
        return list(self.postgres)

    @property
    def installations(self) -> list[PostgresInstallation]:
        """The PostgreSQL programs here, for a test that starts a server of its own."""
        return [found for found in find_installations() if self.wanted(found.label)]

    @property
    def sqlite_labels(self) -> list[str]:
        """SQLite, if it is wanted."""
        return [SQLITE] if self.wanted(SQLITE) else []

    def share_with(self, worker_input: dict[str, Any]) -> None:
        """Put the servers into what an xdist worker is started with."""
        worker_input[WORKER_INPUT] = json.dumps([server.as_values() for server in self.postgres.values()])

    def stop(self) -> None:
        """Stop what this process started."""
        if self._has_started and WORKER_INPUT not in self._worker_input:
            self._started.stop()

    def describe(self, counts: dict[str, str]) -> list[str]:
        """Lines that say what ran against what, and how to get what was missing."""
        servers = self.postgres if self._has_started else {}
        versions = {SQLITE: sqlite3.sqlite_version}
        versions |= {label: f"{server.version}, {server.source}" for label, server in servers.items()}
        engines = [f"{label} ({versions[label]}): {counts.get(label, 'no test')}" for label in versions]
        missing = self._missing() if self._has_started else ["every PostgreSQL: no test asked for one"]
        return ["engines: " + "; ".join(engines), *(f"missing: {what}" for what in missing)] if counts else []

    def _missing(self) -> list[str]:
        if self._only:
            return [f"every engine but {', '.join(sorted(self._only))}, by {ENGINES_VARIABLE}"]
        if GIVEN_LABEL in self.postgres:
            return [f"every other PostgreSQL, by {GIVEN_VARIABLE}"]
        missing = list(self._started.problems)
        sources = {found.source for found in self.installations}
        missing += [HOW_TO_GET_WHEEL] if "embedded wheel" not in sources else []
        missing += [HOW_TO_GET_SYSTEM] if "system" not in sources else []
        return missing

    @property
    def _has_started(self) -> bool:
        return "_started" in vars(self)

    @cached_property
    def _started(self) -> StartedServers:
        if WORKER_INPUT in self._worker_input:
            values = json.loads(self._worker_input[WORKER_INPUT])
            return StartedServers([PostgresServer.from_values(value) for value in values], [])
        started = start_all(wanted=self.wanted)
        unknown = self._only - {SQLITE} - {server.label for server in started.servers}
        if unknown:
            started.stop()
            problems = "\n".join(started.problems)
            pytest.exit(
                f"{ENGINES_VARIABLE} asks for {', '.join(unknown)}, not here\n{problems}", returncode=4
            )
        if not started.servers and not self._only and os.environ.get("CI", "").lower() in {"1", "true"}:
            problems = "\n".join(started.problems or [HOW_TO_GET_WHEEL, HOW_TO_GET_SYSTEM])
            pytest.exit(f"CI must test against PostgreSQL, and none is here:\n{problems}", returncode=3)
        return started

    @property
    def _worker_input(self) -> dict[str, Any]:
        return getattr(self._config, "workerinput", {})
