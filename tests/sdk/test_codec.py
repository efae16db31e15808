from __future__ import annotations

import enum
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from taskforge.domain.errors import InvalidPayload
from taskforge.sdk.codec import MAX_DEPTH, decode, encode, encode_metadata


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Person(BaseModel):
    name: str
    born: datetime
    height: float = 1.8


@dataclass
class Point:
    x: float
    y: float


class Text(str):
    __slots__ = ()


finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=30,
)


@given(json_values)
def test_what_goes_in_comes_out(value: Any) -> None:
    assert decode(encode(value, where="payload")) == value


@given(json_values)
def test_it_is_json_for_others_too(value: Any) -> None:
    assert json.loads(encode(value, where="payload")) == value


@given(st.integers(min_value=-(10**400), max_value=10**400))
def test_whole_numbers_stay_exact(number: int) -> None:
    assert decode(encode({"n": number}, where="payload")) == {"n": number}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), '"2026-01-02T03:04:00Z"'),
        (UUID(int=5), '"00000000-0000-0000-0000-000000000005"'),
        (Decimal("1.10"), '"1.10"'),
        (timedelta(seconds=90), '"PT90S"'),
        (Colour.RED, '"red"'),
        (Level.HIGH, "3"),
        (Point(1.0, 2.5), '{"x":1.0,"y":2.5}'),
        ({7}, "[7]"),
        ((1, 2), "[1,2]"),
        (Text("a"), '"a"'),
        (Person(name="Ani", born=datetime(2000, 1, 1, tzinfo=UTC)), None),
        ("\\u0000 written out", '"\\\\u0000 written out"'),
        (2**70, "1180591620717411303424"),
    ],
)
def test_the_usual_types(value: Any, text: str | None) -> None:
    encoded = encode(value, where="payload")
    if text is None:
        assert decode(encoded) == {"name": "Ani", "born": "2000-01-01T00:00:00Z", "height": 1.8}
    else:
        assert encoded == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"items": [1, 2, 3, {"price": math.nan}]}, "payload.items[3].price is NaN"),
        ({"a": None, "b": [math.inf]}, "payload.b[0] is infinite"),
        ({"p": Point(1.0, -math.inf)}, "payload.p.y is infinite"),
        (
            {"who": Person(name="x", born=datetime(2000, 1, 1, tzinfo=UTC), height=math.nan)},
            "payload.who.height is NaN",
        ),
        ({"a": ["\ud800"]}, "payload.a[0] contains a lone surrogate at position 0"),
        ({"a": "x\x00"}, "payload.a contains a NUL character"),
        ({"a": "\\\x00"}, "payload.a contains a NUL character"),
        ({"a": {"\x00": 1}}, "payload.a has a key that contains a NUL character: '\\x00'"),
        ({"a": {None: 1}}, "payload.a has the key None; keys must be texts"),
        ({"a": {"not plain": object()}}, "payload.a['not plain'] is of type object, which is not JSON"),
        ({"a": [1, 1j]}, "payload.a[1] is of type complex, which is not JSON"),
        ({"a": 10**5000}, "payload.a is a whole number of more than 4,300 digits"),
    ],
)
def test_refusals_name_the_path(value: Any, message: str) -> None:
    with pytest.raises(InvalidPayload) as caught:
        encode(value, where="payload")
    assert caught.value.message == message
    assert caught.value.field is not None
    assert message.startswith(caught.value.field)


def nested(levels: int, innermost: Any = 0) -> Any:
    value = innermost
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize("innermost", [0, "]]]]]]]]", '"]\\"', None])
def test_depth(innermost: Any) -> None:
    encode(nested(MAX_DEPTH, innermost), where="payload")
    with pytest.raises(InvalidPayload, match="more than 64 levels"):
        encode(nested(MAX_DEPTH + 1, innermost), where="payload")


def test_many_brackets_are_not_deep() -> None:
    value = [[{"a": [], "b": {}, "c": '[{"\\'}] for _ in range(500)]
    assert decode(encode(value, where="payload")) == value


def test_a_value_that_contains_itself() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidPayload, match="contains itself"):
        encode(endless, where="payload")


def test_size_is_counted_in_bytes() -> None:
    encode("é" * 49, where="result", limit=100)
    with pytest.raises(InvalidPayload, match=r"result is 102 bytes of JSON, the limit is 100"):
        encode("é" * 50, where="result", limit=100)


@pytest.mark.parametrize("text", ["", "NaN", "[1", '"\\ud800"', "1e999", "[" * 5000 + "]" * 5000])
def test_decode_refuses_what_is_not_json(text: str) -> None:
    with pytest.raises(InvalidPayload):
        decode(text)


class Unshowable:
    def __repr__(self) -> str:
        raise ValueError("no")


def test_metadata_never_fails() -> None:
    metadata = {
        "page": 3,
        "ratio": math.nan,
        "thing": object,
        "broken": Unshowable(),
        "nul": "\x00",
        "lone": "\ud800",
        "long": "x" * 100_000,
    }
    kept = decode(encode_metadata(metadata))
    assert kept["page"] == 3
    assert kept["ratio"] == "nan"
    assert kept["thing"] == "<class 'object'>"
    assert "ValueError" in kept["broken"]
    assert set(kept) == set(metadata)
    assert len(decode(encode_metadata({f"k{i}": "x" * 1000 for i in range(1000)}))) < 20


@given(
    st.dictionaries(st.text(), st.from_type(type).flatmap(lambda _: st.floats() | st.text() | st.binary()))
)
def test_any_metadata_becomes_json(metadata: dict[str, Any]) -> None:
    assert isinstance(decode(encode_metadata(metadata)), dict)
