"""A shop: an order and the job that confirms it are one commit, and TaskForge's dashboard is a part of the site.

    python examples/shop/main.py

It keeps everything in shop.db; TASKFORGE_DATABASE_URL names another database, on PostgreSQL as well. The worker runs
inside of the web process here; in production it is `taskforge worker examples/shop/main.py:tasks`.
"""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import ForeignKey, make_url, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from taskforge import Context, TaskForge

URL = os.environ.get("TASKFORGE_DATABASE_URL", "sqlite:///shop.db")
SECRET = os.environ.get("TASKFORGE_SECRET_KEY") or secrets.token_urlsafe(32)
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}

address = make_url(URL)
engine = create_async_engine(address.set(drivername=DRIVERS[address.drivername]))
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """Our own tables, beside TaskForge's."""


class Item(Base):
    """What there is to buy."""

    __tablename__ = "items"
    name: Mapped[str] = mapped_column(primary_key=True)
    stock: Mapped[int]


class Order(Base):
    """Who bought it."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(ForeignKey("items.name"))
    email: Mapped[str]
    state: Mapped[str] = mapped_column(default="accepted")


async def get_session() -> AsyncIterator[AsyncSession]:
    """A session for one request, or for one attempt of a job."""
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


@asynccontextmanager
async def tables(app: TaskForge) -> AsyncIterator[None]:
    """The tables and something to sell; the engine is closed after the last job."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with sessions() as session, session.begin():
        for name, stock in (("tea", 100), ("cake", 1)):
            if await session.get(Item, name) is None:
                session.add(Item(name=name, stock=stock))
    yield
    await engine.dispose()


tasks = TaskForge(URL, secret_key=SECRET, lifespan=tables)


@tasks.task(queue="orders", max_attempts=5)
async def confirm(ctx: Context, order_id: int, session: Session) -> str:
    """Tell the customer. Run twice it changes nothing more."""
    async with session.begin():
        order = await session.get_one(Order, order_id)
        order.state = "confirmed"
        ctx.log.info("told the customer", email=order.email)
        return f"{order.email}: your {order.item} is on its way"


web = FastAPI(title="Shop", lifespan=tasks.lifespan(worker=True, scheduler=True))


@web.post("/orders", status_code=201)
async def buy(item: str, email: str, session: Session) -> dict[str, str | int]:
    """Buy one. The order, the stock and the job that confirms it: one transaction."""
    async with session.begin():
        order = Order(item=item, email=email)
        session.add(order)
        await session.flush()
        job = await confirm.aenqueue_in(session, order_id=order.id)
        found = await session.scalar(select(Item).where(Item.name == item).with_for_update())
        if found is None or found.stock < 1:
            raise HTTPException(409, f"there is no {item} left")  # rolls back the order and its job
        found.stock -= 1
    return {"order": order.id, "job": str(job.id)}


@web.get("/orders/{order_id}")
async def look(order_id: int, session: Session) -> dict[str, str]:
    """How far an order is."""
    order = await session.get(Order, order_id)
    if order is None:
        raise HTTPException(404, "there is no such order")
    return {"item": order.item, "state": order.state}


tasks.mount(web, "/taskforge")

if __name__ == "__main__":
    uvicorn.run(web, host="127.0.0.1", port=int(os.environ.get("PORT", "8003")))
