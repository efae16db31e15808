"""The fixtures every test can use, and how a run brings up and reports its databases.

`database_url` runs a test once per engine: SQLite and each PostgreSQL that is here. Narrower: `sqlite_url`,
`postgres_url`. Without tables: `empty_database_url`. A server to break: `private_postgres`.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.databases import Databases
from tests.support.engines import SQLITE, Engines
from tests.support.nursery import close_nursery
from tests.support.postgres import PostgresServer, start_server
from tests.support.processes import Processes
from tests.support.redis_server import HOW_TO_GET, RedisProcess, find_program, given_url
from tests.support.stretches import in_stretches
from tests.support.watchdog import close_watchdog

ENGINES = pytest.StashKey[Engines]()
ENGINE_PROPERTY = "engine"
SOAK = os.environ.get("TASKFORGE_TEST_PROFILE") == "soak"
EACH_POSTGRES = {
    "tests.conformance.test_accept",
    "tests.conformance.test_claim",
    "tests.conformance.test_constraints",
    "tests.conformance.test_prepared",
    "tests.conformance.test_retention",
    "tests.conformance.test_settle",
    "tests.migration.test_migrate",
}
"""What may differ between versions of PostgreSQL is tried on each: tables, the syntax of every statement, the verbs of the hot path.

The rest runs on the first one only, except in a soak.
"""

ON_ONE_ENGINE = {
    "tests.acceptance.test_assignments",
    "tests.acceptance.test_autoscaling",
    "tests.acceptance.test_remote_workers",
    "tests.api.test_assignments",
    "tests.api.test_alerts",
    "tests.api.test_attacks",
    "tests.api.test_breakers",
    "tests.api.test_conventions",
    "tests.api.test_errors",
    "tests.api.test_limits",
    "tests.api.test_scaling",
    "tests.api.test_remote_link",
    "tests.beside_redis.test_conformance",
    "tests.beside_redis.test_queue",
}
"""What lies so far above the stores that their kind makes no difference: on the last engine only, except in a soak."""

settings.register_profile("dev", max_examples=30, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True, print_blob=True)
settings.register_profile(
    "soak",
    max_examples=int(os.environ.get("TASKFORGE_TEST_EXAMPLES", "5000")),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def pytest_configure(config: pytest.Config) -> None:
    """Choose the hypothesis profile, and forget settings of TaskForge that the caller has."""
    profile = os.environ.get("TASKFORGE_TEST_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
    if config.getoption("--hypothesis-profile", None) is None:
        settings.load_profile(profile)
    for name in [name for name in os.environ if name.startswith("TASKFORGE_")]:
        if not name.startswith("TASKFORGE_TEST_"):
            del os.environ[name]
    config.stash[ENGINES] = Engines(config)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(FailuresAtOnce(config))


class FailuresAtOnce:
    """Names each failure when it happens: a run that is cut off would never come to its summary."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write one line of a failure."""
        terminal: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal is not None:
            crash = getattr(report.longrepr, "reprcrash", None)
            message = (crash.message if crash else report.longreprtext).strip().split("\n", 1)[0]
            terminal.write_line(f"\n{report.when} of {report.nodeid} failed: {message[:200]}")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker where the servers are."""
    node.config.stash[ENGINES].share_with(node.workerinput)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started, however the run ended."""
    if ENGINES in config.stash:
        config.stash[ENGINES].stop()
    close_nursery()
    close_watchdog()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each database it can be run against."""
    engines = metafunc.config.stash[ENGINES]
    servers = slice(None if SOAK or metafunc.module.__name__ in EACH_POSTGRES else 1)
    for fixture in {"database_url", "empty_database_url"} & set(metafunc.fixturenames):
        labels = [*engines.sqlite_labels, *engines.postgres_labels[servers]]
        if metafunc.module.__name__ in ON_ONE_ENGINE and not SOAK:
            labels = labels[-1:]
        metafunc.parametrize(fixture, _parameters(labels), indirect=True)
    if "postgres_url" in metafunc.fixturenames:
        metafunc.parametrize("postgres_url", _parameters(engines.postgres_labels[servers]), indirect=True)
    if "private_postgres" in metafunc.fixturenames:
        labels = [installation.label for installation in engines.installations][servers]
        metafunc.parametrize("private_postgres", _parameters(labels), indirect=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have a run of several processes begin with the tests that take minutes and mostly wait."""
    long = [item for item in items if item.get_closest_marker("first") is not None]
    rest = [item for item in items if item.get_closest_marker("first") is None]
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = in_stretches(long, rest, processes)


def _parameters(labels: list[str]) -> list[Any]:
    missing = pytest.mark.skip(reason="no PostgreSQL to run against; see `missing` at the end")
    return [
        pytest.param(label, marks=[] if label == SQLITE else [pytest.mark.postgres]) for label in labels
    ] or [pytest.param("postgres", marks=[missing, pytest.mark.postgres])]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests (`@pytest.mark.anyio`) run on asyncio only, as the product does."""
    return "asyncio"


@pytest.fixture(scope="session")
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Databases]:
    """Where this process gets fresh databases from."""
    databases = Databases(request.config.stash[ENGINES], tmp_path_factory.mktemp("databases"))
    yield databases
    databases.close()


@pytest.fixture
def database_url(
    request: pytest.FixtureRequest, databases: Databases, tmp_path: Path, record_property: Any
) -> Iterator[str]:
    """The URL of a fresh, migrated database; the test runs once per engine."""
    record_property(ENGINE_PROPERTY, request.param)
    with databases.fresh(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def empty_database_url(
    request: pytest.FixtureRequest, databases: Databases, tmp_path: Path, record_property: Any
) -> Iterator[str]:
    """The URL of a fresh database without tables (for SQLite: of no file yet); once per engine."""
    record_property(ENGINE_PROPERTY, request.param)
    with databases.fresh(request.param, tmp_path, migrated=False) as url:
        yield url


@pytest.fixture
def sqlite_url(databases: Databases, tmp_path: Path, record_property: Any) -> Iterator[str]:
    """The URL of a fresh, migrated SQLite file."""
    record_property(ENGINE_PROPERTY, SQLITE)
    with databases.fresh(SQLITE, tmp_path) as url:
        yield url


@pytest.fixture
def postgres_url(
    request: pytest.FixtureRequest, databases: Databases, tmp_path: Path, record_property: Any
) -> Iterator[str]:
    """The URL of a fresh, migrated PostgreSQL database; once per server."""
    record_property(ENGINE_PROPERTY, request.param)
    with databases.fresh(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def private_postgres(request: pytest.FixtureRequest, record_property: Any) -> Iterator[PostgresServer]:
    """A PostgreSQL server that nobody else uses, to be halted, crashed and started; once per version."""
    record_property(ENGINE_PROPERTY, request.param)
    installations = {found.label: found for found in request.config.stash[ENGINES].installations}
    with ExitStack() as stack:
        server = start_server(installations[request.param])
        stack.callback(server.stop)
        yield server


@pytest.fixture(scope="session")
def shared_redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis or Valkey for all tests of this process."""
    given = given_url()
    if given is not None:
        yield given
        return
    program = find_program()
    if program is None:
        pytest.skip(f"no Redis: {HOW_TO_GET}")
    server = RedisProcess(program, tmp_path_factory.mktemp("redis"))
    server.start()
    yield server.url
    server.kill()


@pytest.fixture
def redis_url(shared_redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same with nothing in it. It is never away: commands of this process may take longer where others are at work beside it."""
    import redis

    from taskforge.coordination import redis_server

    monkeypatch.setattr(redis_server, "COMMAND_SECONDS", 20.0)
    with redis.Redis.from_url(shared_redis_url) as client:
        client.flushall()
    return shared_redis_url


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Starts real child processes; whatever of them still runs at the end of the test is killed."""
    processes = Processes(tmp_path)
    yield processes
    processes.clean_up()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what ran against what, so that nothing is left out in silence."""
    counts: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, engine in getattr(report, "user_properties", []):
                if name == ENGINE_PROPERTY and (report.when == "call" or outcome == "error"):
                    counts.setdefault(engine, Counter())[outcome] += 1
    words = {
        engine: ", ".join(f"{n} {outcome}" for outcome, n in count.items())
        for engine, count in counts.items()
    }
    for line in config.stash[ENGINES].describe(words):
        terminalreporter.write_line(line)
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.write_sep("_", f"failed at first: {report.nodeid}")
        report.toterminal(terminalreporter._tw)  # as pytest shows its own failures
