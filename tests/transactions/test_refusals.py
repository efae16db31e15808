"""What a caller may hand over, what is refused by name, and that a refusal leaves the transaction as it was."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import TYPE_CHECKING, Any

import asyncpg
import psycopg
import pytest
import sqlalchemy
from sqlalchemy.orm import Session

from taskforge import TaskForge
from taskforge.domain.errors import (
    ForeignConnection,
    InvalidPayload,
    NotFound,
    NoTransaction,
    QueueClosed,
    SchemaMismatch,
)
from taskforge.domain.queue import QueueState
from taskforge.storage.address import parse_address
from tests.conformance.stage import run_sql
from tests.transactions.conftest import Shop
from tests.transactions.drivers import alchemy_url, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.databases import Databases

pytestmark = pytest.mark.anyio


@pytest.fixture
async def postgres_shop(postgres_url: str, anyio_backend: str) -> AsyncIterator[Shop]:
    async with Shop(postgres_url) as shop:
        await run_sql(postgres_url, "CREATE TABLE orders (number integer)")
        yield shop
    await asyncio.to_thread(shop.close)


@pytest.fixture
async def sqlite_shop(sqlite_url: str, anyio_backend: str) -> AsyncIterator[Shop]:
    async with Shop(sqlite_url) as shop:
        await run_sql(sqlite_url, "CREATE TABLE orders (number integer)")
        yield shop
    await asyncio.to_thread(shop.close)


def sqlite_connection(shop: Shop, **options: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = sqlite3.connect(
        parse_address(shop.url).target, check_same_thread=False, **options
    )
    return connection


async def test_a_connection_of_an_unknown_kind(shop: Shop) -> None:
    with pytest.raises(ForeignConnection, match=r"builtins\.object is no connection") as caught:
        await shop.ship.aenqueue_in(object(), 1)
    assert caught.value.field == "connection"
    with pytest.raises(ForeignConnection):
        await asyncio.to_thread(shop.ship.enqueue_in, "sqlite:///x.db", 1)


async def test_an_asynchronous_connection_in_synchronous_code(shop: Shop) -> None:
    async with opened("aiosqlite" if "sqlite" in shop.url else "asyncpg", shop.url) as driver:
        with pytest.raises(ForeignConnection, match="is asynchronous") as caught:
            await asyncio.to_thread(shop.ship.enqueue_in, driver.connection, 1)
    assert "aenqueue_in" in str(caught.value.hint)


async def test_a_connection_to_the_other_kind_of_database(postgres_shop: Shop, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "other.db")
    with pytest.raises(ForeignConnection, match="is a connection to SQLite"):
        await postgres_shop.ship.aenqueue_in(connection, 1)
    connection.close()


async def test_another_database_of_the_same_server(
    postgres_shop: Shop, databases: Databases, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    label = request.node.callspec.params["postgres_url"]
    with databases.fresh(label, tmp_path) as twin, psycopg.connect(twin) as connection:
        with pytest.raises(ForeignConnection, match="another database"):
            await postgres_shop.ship.aenqueue_in(connection, 1)
        connection.execute("SELECT 1")  # the transaction is none the worse
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


async def test_another_schema_of_the_same_database(postgres_shop: Shop) -> None:
    with psycopg.connect(postgres_shop.url) as connection:
        connection.execute("CREATE SCHEMA elsewhere")
        connection.execute("SET LOCAL search_path TO elsewhere")
        with pytest.raises(ForeignConnection, match="another database"):
            await postgres_shop.ship.aenqueue_in(connection, 1)
        connection.execute("SELECT 1")


async def test_another_file(sqlite_shop: Shop, databases: Databases, tmp_path: Path) -> None:
    folder = tmp_path / "twin"
    folder.mkdir()
    with databases.fresh("sqlite", folder) as twin:
        connection = sqlite3.connect(parse_address(twin).target)
        with pytest.raises(ForeignConnection, match="another database"):
            await sqlite_shop.ship.aenqueue_in(connection, 1)
        connection.close()


async def test_the_same_file_by_another_name(sqlite_shop: Shop, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(parse_address(sqlite_shop.url).target)
    connection = sqlite3.connect(link)
    await sqlite_shop.ship.aenqueue_in(connection, 1)
    connection.commit()
    connection.close()
    assert await sqlite_shop.jobs() == 1


async def test_autocommit_without_a_transaction(shop: Shop) -> None:
    if "sqlite" in shop.url:
        connection: Any = sqlite_connection(shop, isolation_level=None)
    else:
        connection = psycopg.connect(shop.url, autocommit=True)
    with pytest.raises(NoTransaction, match="autocommit") as caught:
        await asyncio.to_thread(shop.ship.enqueue_in, connection, 1)
    assert caught.value.hint
    assert await shop.jobs() == 0
    connection.execute("BEGIN")  # one that the caller begins by hand will do
    await asyncio.to_thread(shop.ship.enqueue_in, connection, 1)
    connection.execute("COMMIT")
    assert await shop.jobs() == 1
    connection.close()


async def test_asyncpg_and_sqlalchemy_in_autocommit(postgres_shop: Shop) -> None:
    connection = await asyncpg.connect(postgres_shop.url)
    with pytest.raises(NoTransaction):
        await postgres_shop.ship.aenqueue_in(connection, 1)
    await connection.close()
    engine = sqlalchemy.create_engine(alchemy_url(postgres_shop.url, "psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as alchemy, pytest.raises(NoTransaction):
        await asyncio.to_thread(postgres_shop.ship.enqueue_in, alchemy, 1)
    engine.dispose()
    assert await postgres_shop.jobs() == 0


async def test_a_transaction_that_has_failed_already(postgres_shop: Shop) -> None:
    with psycopg.connect(postgres_shop.url) as connection:
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM nowhere")
        with pytest.raises(NoTransaction, match="has failed already"):
            await asyncio.to_thread(postgres_shop.ship.enqueue_in, connection, 1)


async def test_a_wrong_argument_is_refused_before_the_connection_is_touched(shop: Shop) -> None:
    wrong: Any = "x"
    with pytest.raises(InvalidPayload):
        await shop.ship.aenqueue_in(object(), wrong)


async def test_a_closed_queue_refuses_and_the_transaction_goes_on(shop: Shop) -> None:
    platform = await shop.platform()
    await platform.queues.create("shut", state=QueueState.CLOSED)
    async with opened("sqlite3" if "sqlite" in shop.url else "psycopg", shop.url) as driver:
        await driver.sql("INSERT INTO orders VALUES (1)")
        with pytest.raises(QueueClosed, match="'shut' is closed"):
            await driver.enqueue(shop.ship.options(queue="shut"), 1)
        await driver.enqueue(shop.ship, 2)
        await driver.commit()
    assert await shop.orders() == [1]
    assert await shop.jobs() == 1


async def test_a_queue_that_was_deleted_is_made_anew(shop: Shop) -> None:
    async with opened("sqlite3" if "sqlite" in shop.url else "psycopg", shop.url) as driver:
        await driver.enqueue(shop.ship, 1)
        await driver.rollback()
        platform = await shop.platform()
        await platform.directory.declared(["default"])
        await run_sql(shop.url, "DELETE FROM queues")  # as another process would
        await driver.enqueue(shop.ship, 1)
        await driver.commit()
    assert await shop.jobs() == 1
    assert [queue.name for queue in await platform.queues.list()] == ["default"]


async def test_a_snapshot_older_than_the_queue(postgres_shop: Shop) -> None:
    with psycopg.connect(postgres_shop.url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SELECT * FROM orders")
        with pytest.raises(NotFound, match="sees no queue") as caught:
            await asyncio.to_thread(postgres_shop.ship.enqueue_in, connection, 1)
        assert "begin again" in str(caught.value.hint)
        connection.rollback()
        await asyncio.to_thread(postgres_shop.ship.enqueue_in, connection, 1)
    assert await postgres_shop.jobs() == 1


async def test_an_error_of_the_database_is_the_driver_s_own(shop: Shop) -> None:
    """A caller's way of trying again looks for it."""
    refused = ("CREATE TRIGGER no BEFORE INSERT ON jobs BEGIN SELECT raise(ABORT, 'no'); END", sqlite3.Error)
    kind, connect = "sqlite3", refused
    if "sqlite" not in shop.url:
        kind, connect = "psycopg", ("ALTER TABLE jobs ADD CHECK (priority > 5)", psycopg.Error)  # type: ignore[assignment]
    await run_sql(shop.url, connect[0])
    async with opened(kind, shop.url) as driver:
        with pytest.raises(connect[1]):
            await driver.enqueue(shop.ship, 1)
        await driver.rollback()


async def test_a_new_file_without_tables(tmp_path: Path) -> None:
    """Making them would have to wait for the transaction that waits for them."""
    app = TaskForge(f"sqlite:///{tmp_path}/new.db")

    @app.task(name="t")
    def task() -> None: ...

    connection = sqlite3.connect(tmp_path / "new.db")
    connection.execute("CREATE TABLE orders (number integer)")
    connection.execute("INSERT INTO orders VALUES (1)")
    with pytest.raises(SchemaMismatch, match="lacks migration") as caught:
        await task.aenqueue_in(connection)
    assert "taskforge migrate" in str(caught.value.hint)
    connection.close()


async def test_what_the_caller_s_connection_makes_of_rows_and_json_does_not_matter(shop: Shop) -> None:
    if "sqlite" in shop.url:
        connection: Any = sqlite_connection(shop)
        connection.row_factory = lambda cursor, row: {"only": row[0]}
        connection.text_factory = bytes
        await shop.ship.aenqueue_in(connection, 1)
        assert connection.execute("SELECT 'x'").fetchone() == {"only": b"x"}
        connection.commit()
        connection.close()
    else:
        connection = await asyncpg.connect(shop.url)
        for name in ("json", "jsonb"):
            await connection.set_type_codec(name, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        await connection.set_type_codec(
            "uuid", encoder=str, decoder=lambda text: f"id {text}", schema="pg_catalog"
        )
        await connection.reset_type_codec("uuid", schema="pg_catalog")
        async with connection.transaction():
            await shop.ship.options(tags=["a"]).aenqueue_in(connection, 1)
        await connection.close()
    async with shop.worker(name="w"):
        assert await asyncio.wait_for(shop.seen.get(), 20) == 1


async def test_our_writer_waits_for_the_caller_s_transaction(sqlite_shop: Shop) -> None:
    connection = sqlite_connection(sqlite_shop)
    await sqlite_shop.ship.aenqueue_in(connection, 1)
    beside = asyncio.create_task(sqlite_shop.ship.aenqueue(2))
    done, _ = await asyncio.wait({beside}, timeout=0.3)
    assert not done
    connection.commit()
    connection.close()
    await asyncio.wait_for(beside, 10)
    assert await sqlite_shop.jobs() == 2


async def test_a_session_in_the_middle_of_its_work(shop: Shop) -> None:
    dialect = "pysqlite" if "sqlite" in shop.url else "psycopg"
    engine = sqlalchemy.create_engine(alchemy_url(shop.url, dialect))

    def work() -> None:
        with Session(engine) as session, session.begin():
            session.execute(sqlalchemy.text("INSERT INTO orders VALUES (1)"))
            with session.begin_nested() as nested:
                shop.ship.enqueue_in(session, 1)
                nested.rollback()
            shop.ship.enqueue_in(session, 2)

    await asyncio.to_thread(work)
    engine.dispose()
    assert await shop.orders() == [1]
    assert await shop.jobs() == 1


async def test_a_key_that_is_taken_gives_the_job_that_has_it(shop: Shop) -> None:
    first = await shop.ship.options(key="order-1").aenqueue(1)
    async with opened("sqlite3" if "sqlite" in shop.url else "psycopg", shop.url) as driver:
        again = await driver.enqueue(shop.ship.options(key="order-1"), 1)
        other = await driver.enqueue(shop.ship.options(concurrency_key="partner", concurrency_limit=1), 2)
        await driver.commit()
    assert (again.id, again.created, other.created) == (first.id, False, True)
    assert await shop.jobs() == 2
    async with shop.worker(name="w"):
        assert sorted([await first.aresult(20), await other.aresult(20)]) == [1, 2]
