from __future__ import annotations

import enum
import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from taskforge.domain.errors import InvalidInput, InvalidPayload
from taskforge.sdk.codec import decode
from taskforge.sdk.context import Context
from taskforge.sdk.signature import Signature
from tests.sdk.fakes import a_context
from tests.sdk.test_codec import json_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from somewhere import Unimportable  # type: ignore[import-not-found]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str
    number: int = 1


class Person(BaseModel):
    name: str = Field(alias="fullName")
    addresses: list[Address] = []


@dataclass
class Point:
    x: float
    y: float = 0.0
    tags: set[str] = field(default_factory=set)


class Movie(TypedDict):
    title: str
    year: int


def signature_of(function: Callable[..., Any]) -> Signature:
    return Signature(function, "tasks.it")


def round_trip(signature: Signature, *args: Any, **kwargs: Any) -> dict[str, Any]:
    positional, named = signature.load(signature.dump(args, kwargs), a_context())
    assert positional == []
    return named


def taking(annotation: Any) -> Signature:
    def it(value: Any) -> None: ...

    it.__annotations__ = {"value": annotation}
    return signature_of(it)


def add(a: int, b: int = 2, *, note: str | None = None) -> None: ...


class TestBinding:
    @pytest.mark.parametrize(
        ("args", "kwargs", "bound"),
        [
            ((1,), {}, {"a": 1}),
            ((1, 3), {}, {"a": 1, "b": 3}),
            ((1,), {"b": 3, "note": "x"}, {"a": 1, "b": 3, "note": "x"}),
            ((), {"note": None, "a": 1}, {"a": 1, "note": None}),
        ],
    )
    def test_by_name(self, args: Any, kwargs: Any, bound: Any) -> None:
        assert decode(signature_of(add).dump(args, kwargs)) == bound

    @pytest.mark.parametrize(
        ("args", "kwargs", "message", "field"),
        [
            ((), {}, "tasks.it: the argument 'a' is missing", "payload.a"),
            ((1, 2, 3), {}, "tasks.it: takes 2 positional arguments, 3 were given", "payload"),
            ((1,), {"a": 2}, "tasks.it: got two values for 'a'", "payload.a"),
            ((1,), {"c": 2}, "tasks.it: there is no parameter 'c'", "payload.c"),
            (("x",), {}, "tasks.it: payload.a must be int, not 'x' (str)", "payload.a"),
            ((True,), {}, "tasks.it: payload.a must be int, not True (bool)", "payload.a"),
            ((1.0,), {}, "tasks.it: payload.a must be int, not 1.0 (float)", "payload.a"),
            ((1,), {"note": 5}, "tasks.it: payload.note must be str | None, not 5 (int)", "payload.note"),
        ],
    )
    def test_refusals(self, args: Any, kwargs: Any, message: str, field: str) -> None:
        with pytest.raises(InvalidPayload) as caught:
            signature_of(add).dump(args, kwargs)
        assert caught.value.message == message
        assert caught.value.field == field

    def test_the_hint_shows_the_signature(self) -> None:
        with pytest.raises(InvalidPayload) as caught:
            signature_of(add).dump((), {})
        assert "tasks.it(a: 'int', b: 'int' = 2, *, note: 'str | None' = None)" in (caught.value.hint or "")

    def test_positional_only(self) -> None:
        def it(a: int, b: int = 7, /, c: int = 8) -> None: ...

        signature = signature_of(it)
        assert signature.load(signature.dump((1,), {"c": 3})) == ([1, 7], {"c": 3})

    def test_keywords_of_any_name(self) -> None:
        def it(a: int, **others: float) -> None: ...

        signature = signature_of(it)
        assert round_trip(signature, 1, b=2, c=3.5) == {"a": 1, "b": 2.0, "c": 3.5}
        with pytest.raises(InvalidPayload, match=r"payload\.c must be float"):
            signature.dump((1,), {"c": "x"})

    def test_keywords_of_models(self) -> None:
        def it(a: int, **others: datetime) -> None: ...

        moment = datetime(2026, 1, 1, tzinfo=UTC)
        assert round_trip(signature_of(it), 1, b=moment) == {"a": 1, "b": moment}
        with pytest.raises(InvalidPayload, match=r"payload\.zz: "):
            signature_of(it).load('{"a":1,"zz":5}')

    def test_nameless_values_are_refused_at_decoration(self) -> None:
        def it(*numbers: int) -> None: ...

        with pytest.raises(InvalidInput, match=r"\*numbers has no name"):
            signature_of(it)

    @given(
        st.dictionaries(st.sampled_from(["a", "b", "note"]), json_values), st.lists(json_values, max_size=4)
    )
    def test_binds_as_python_does(self, kwargs: dict[str, Any], args: list[Any]) -> None:
        def it(a, b=2, *, note=None):  # type: ignore[no-untyped-def]
            ...

        signature = signature_of(it)
        try:
            expected = inspect.signature(it).bind(*args, **kwargs).arguments
        except TypeError:
            with pytest.raises(InvalidPayload):
                signature.dump(args, kwargs)
        else:
            assert signature.load(signature.dump(args, kwargs)) == ([], dict(expected))


class TestContext:
    def test_written_as_text(self) -> None:
        def it(ctx: Context, a: int) -> None: ...

        signature, context = signature_of(it), a_context()
        assert signature.takes_context
        assert signature.load(signature.dump((1,), {}), context) == ([context], {"a": 1})

    def test_a_real_annotation(self) -> None:
        def it(anything: Any, a: int) -> None: ...

        it.__annotations__ = {"anything": Context, "a": int}
        assert signature_of(it).takes_context

    def test_known_to_type_checkers_only(self) -> None:
        def it(ctx: Any) -> None: ...

        it.__annotations__ = {"ctx": "nowhere.Context"}
        assert signature_of(it).takes_context

    def test_only_the_first_parameter(self) -> None:
        def it(a: int, ctx: Any = None) -> None: ...

        assert not signature_of(it).takes_context

    def test_others_are_no_context(self) -> None:
        def it(context, a):  # type: ignore[no-untyped-def]
            ...

        assert not signature_of(it).takes_context


UNICODE = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
TYPED: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers()),
    (bool, st.booleans()),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (str, UNICODE),
    (list[float], st.lists(st.floats(allow_nan=False, allow_infinity=False))),
    (dict[str, int | None], st.dictionaries(UNICODE, st.integers() | st.none())),
    (datetime, st.datetimes(timezones=st.just(UTC)) | st.datetimes()),
    (date, st.dates()),
    (timedelta, st.timedeltas(min_value=timedelta(days=-9999), max_value=timedelta(days=9999))),
    (UUID, st.uuids()),
    (Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    (bytes, st.binary()),
    (Colour, st.sampled_from(Colour)),
    (set[int], st.sets(st.integers(-(2**60), 2**60))),
    (tuple[int, str], st.tuples(st.integers(-(2**60), 2**60), UNICODE)),
    (Point, st.builds(Point, x=st.floats(-1e9, 1e9), y=st.floats(-1e9, 1e9), tags=st.sets(UNICODE))),
    (
        list[Address] | None,
        st.none() | st.lists(st.builds(Address, street=UNICODE, number=st.integers(0, 9))),
    ),
    (Literal["a", 5], st.sampled_from(["a", 5])),
    (dict[int, str], st.dictionaries(st.integers(-(2**60), 2**60), UNICODE)),
]


class TestValues:
    @pytest.mark.parametrize(("annotation", "values"), TYPED, ids=lambda it: str(it)[:40])
    def test_round_trip(self, annotation: Any, values: st.SearchStrategy[Any]) -> None:
        signature = taking(annotation)

        @given(values)
        def check(value: Any) -> None:
            back = round_trip(signature, value)["value"]
            assert back == value
            assert type(back) is type(value)

        check()

    @pytest.mark.parametrize(
        ("annotation", "wrong"),
        [
            (list[int], [1, True]),
            (list[int], (1, 2)),
            (dict[str, int], {"a": "1"}),
            (dict[str, int], {1: 1}),
            (int | None, "x"),
            (float, True),
            (float, 10**400),
            (bool, 1),
            (None, 0),
            (datetime, "2026-01-01"),
            (datetime, 5),
            (date, datetime(2026, 1, 1, tzinfo=UTC)),
            (set[int], {True}),
            (int | datetime, True),
            (UUID, "x"),
            (Colour, "red"),
            (Point, {"x": 1.0}),
            (Literal["a"], "b"),
            (Annotated[int, Field(gt=3)], 2),
            (tuple[int, str], (1, 2)),
        ],
    )
    def test_refused_at_enqueue(self, annotation: Any, wrong: Any) -> None:
        with pytest.raises(InvalidPayload) as caught:
            taking(annotation).dump((wrong,), {})
        assert (caught.value.field or "").startswith("payload.value")

    @pytest.mark.parametrize(
        ("annotation", "text"),
        [
            (int, '{"value":true}'),
            (int, '{"value":"1"}'),
            (list[int], '{"value":[1,null]}'),
            (datetime, '{"value":"soon"}'),
            (Point, '{"value":{"y":1}}'),
            (Point, '{"value":{"x":true}}'),
            (set[int], '{"value":[true]}'),
            (int, "[1]"),
            (Point, "[1]"),
            (int, "{}"),
            (Point, "{}"),
            (int, '{"value":1,"other":2}'),
            (Point, '{"value":{"x":1},"other":2}'),
            (int, "nonsense"),
            (Point, "nonsense"),
        ],
    )
    def test_refused_at_run(self, annotation: Any, text: str) -> None:
        with pytest.raises(InvalidPayload):
            taking(annotation).load(text)

    def test_the_path_reaches_into_models(self) -> None:
        with pytest.raises(InvalidPayload, match=r"payload\.value\.addresses\[0\]\.number: ") as caught:
            taking(Person).load('{"value":{"fullName":"x","addresses":[{"street":"s","number":"1"}]}}')
        assert caught.value.field == "payload.value.addresses[0].number"

    def test_nan_in_a_model(self) -> None:
        with pytest.raises(InvalidPayload, match=r"payload\.value\.x is NaN"):
            taking(Point).dump((Point(math.nan),), {})

    def test_a_model_with_aliases(self) -> None:
        person = Person(fullName="Ani", addresses=[Address(street="s")])
        assert round_trip(taking(Person), person) == {"value": person}
        # A caller without the class (the command line, HTTP) gives an object.
        assert round_trip(taking(Person), {"fullName": "x"}) == {"value": Person(fullName="x")}

    def test_a_typed_dict(self) -> None:
        assert round_trip(taking(Movie), Movie(title="x", year=1)) == {"value": {"title": "x", "year": 1}}

    def test_more_types(self) -> None:
        assert round_trip(taking(Path), Path("/a/b")) == {"value": Path("/a/b")}
        assert round_trip(taking(Sequence[int]), [1, 2]) == {"value": [1, 2]}
        assert round_trip(taking(float | date), 3) == {"value": 3}

    def test_a_whole_number_for_a_float_becomes_one(self) -> None:
        back = round_trip(taking(dict[str, list[float | None]]), {"a": [1, None]})["value"]["a"]
        assert back == [1.0, None]
        assert type(back[0]) is float
        assert type(round_trip(taking(int | float), 3)["value"]) is int

    @given(json_values)
    def test_without_annotation_any_json_goes(self, value: Any) -> None:
        def it(value):  # type: ignore[no-untyped-def]
            ...

        assert round_trip(signature_of(it), value) == {"value": value}

    def test_an_annotation_that_cannot_be_read(self) -> None:
        def it(value: Unimportable) -> None: ...

        with pytest.raises(InvalidInput, match="cannot be read at run time") as caught:
            signature_of(it).dump((1,), {})
        assert "TYPE_CHECKING" in (caught.value.hint or "")

    def test_a_type_that_cannot_go_through_json(self) -> None:
        class Socket: ...

        with pytest.raises(InvalidInput, match="cannot go through JSON"):
            taking(Socket).dump((Socket(),), {})

    def test_annotations_may_name_what_is_local_or_defined_later(self) -> None:
        @dataclass
        class Local:
            n: int

        def it(value: Local) -> Local:
            return Local(value.n)

        assert round_trip(signature_of(it), Local(1)) == {"value": Local(1)}


class TestSchema:
    def test_simple(self) -> None:
        def it(ctx: Context, a: int, b: list[float] | None = None, **more: str) -> None: ...

        assert signature_of(it).schema() == {
            "type": "object",
            "properties": {
                "a": {"type": "integer"},
                "b": {
                    "anyOf": [{"type": "array", "items": {"type": "number"}}, {"type": "null"}],
                    "default": None,
                },
            },
            "required": ["a"],
            "additionalProperties": {"type": "string"},
        }

    def test_models_share_definitions(self) -> None:
        def it(home: Address, person: Person, at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None: ...

        schema = signature_of(it).schema()
        assert set(schema["$defs"]) == {"Address", "Person"}
        assert schema["properties"]["home"] == {"$ref": "#/$defs/Address"}
        assert schema["properties"]["at"] == {
            "type": "string",
            "format": "date-time",
            "default": "2026-01-01T00:00:00Z",
        }
        assert schema["required"] == ["home", "person"]
        assert schema["additionalProperties"] is False
