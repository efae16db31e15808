"""Dependencies of tasks as the decorator sees them: no arguments, and refused where nothing could give them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import fastapi
import pytest

from taskforge import Context, Depends
from taskforge.domain.errors import InvalidInput, InvalidPayload
from taskforge.sdk.dependencies import provider_of

if TYPE_CHECKING:
    from decimal import Decimal

    from tests.sdk.fakes import FakeBackend


class Db:
    def __init__(self, name: str = "db") -> None:
        self.name = name


def get_db() -> Db:
    return Db()


async def get_user(ctx: Context, db: Annotated[Db, Depends(get_db)]) -> str:
    return f"{ctx.task} {db.name}"


Database = Annotated[Db, fastapi.Depends(get_db)]


def test_dependencies_are_no_arguments(app: FakeBackend) -> None:
    @app.task
    async def charge(
        ctx: Context,
        order: int,
        db: Annotated[Db, Depends(get_db)],
        note: str = "",
        *,
        user: str = Depends(get_user),
        again: Database,
    ) -> None: ...

    assert charge.job(1, "x").payload == '{"order":1,"note":"x"}'  # type: ignore[call-arg, arg-type]
    assert set(charge.schema()["properties"]) == {"order", "note"}
    assert charge.dependencies is not None
    assert {name: d.function for name, d in charge.dependencies.items()} == {
        "db": get_db,
        "user": get_user,
        "again": get_db,
    }
    with pytest.raises(InvalidPayload, match="made for each attempt") as refused:
        charge.job(1, db=Db())  # type: ignore[call-arg]
    assert refused.value.field == "payload.db"
    assert "order: int, note: str" in (refused.value.hint or "").replace("'", "")


def test_names_of_dependencies_are_not_taken_for_extra_arguments(app: FakeBackend) -> None:
    @app.task
    def note(db: Annotated[Db, Depends(get_db)], **words: str) -> None: ...

    assert note.job(a="b").payload == '{"a":"b"}'  # type: ignore[call-arg]
    with pytest.raises(InvalidPayload, match="'db' is made for each attempt"):
        note.job(db="x")  # type: ignore[arg-type]


def test_a_plain_call_is_given_them(app: FakeBackend) -> None:
    @app.task
    def name(prefix: str, db: Db = Depends(get_db)) -> str:
        return prefix + db.name

    assert name("my ", db=Db("own")) == "my own"
    with pytest.raises(InvalidInput, match="a plain call makes no dependencies") as refused:
        name("my ")
    assert refused.value.field == "db"


def unheard(request: Any) -> None: ...


def itself(again: Any = None) -> None: ...


itself.__annotations__["again"] = Annotated[Any, Depends(itself)]


@pytest.mark.parametrize(
    ("dependency", "message"),
    [(unheard, "'request'"), (itself, "needs itself")],
)
def test_what_nothing_can_give_is_refused_at_the_decorator(
    app: FakeBackend, dependency: Any, message: str
) -> None:
    def task(value: Any = Depends(dependency)) -> None: ...

    with pytest.raises(InvalidInput, match=message):
        app.task(task)


def test_annotations_that_cannot_be_read_are_refused(app: FakeBackend) -> None:
    def task(amount: Annotated[Decimal, Depends(get_db)]) -> None: ...

    with pytest.raises(InvalidInput, match="cannot be read") as refused:
        app.task(task)
    assert refused.value.field == "amount"


def test_what_is_defined_later_is_told_when_it_is_used(
    app: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    @app.task
    def early(value: Later) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    monkeypatch.setitem(globals(), "Later", Annotated[Db, Depends(get_db)])
    with pytest.raises(InvalidInput, match="not there yet"):
        early.job("x")  # type: ignore[call-arg]


def test_kinds_of_dependencies() -> None:
    def generator() -> Any:
        yield 1

    async def asynchronous_generator() -> Any:
        yield 1

    class Callable:
        async def __call__(self) -> int:
            return 1

    kinds = [
        provider_of(function).kind
        for function in (
            get_db,
            Db,
            get_user,
            generator,
            asynchronous_generator,
            Callable(),
            partial(Db, "x"),
        )
    ]
    assert kinds == ["plain", "plain", "async", "generator", "async generator", "async", "plain"]
    assert provider_of(get_user).contexts == ("ctx",)
    with pytest.raises(InvalidInput, match="can be called"):
        Depends("get_db")  # type: ignore[arg-type]
