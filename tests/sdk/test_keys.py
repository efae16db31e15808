"""Keys of tasks and calls: templates, functions, and what a handle says."""

from __future__ import annotations

import pytest

from taskforge.domain.errors import InvalidInput
from tests.sdk.fakes import FakeBackend


def test_a_template_takes_arguments_and_defaults() -> None:
    backend = FakeBackend()

    @backend.task(
        name="a", key="{number}-{kind}", concurrency_key="c-{number}", concurrency_limit=3, key_period="1h"
    )
    def send(number: int, kind: str = "mail") -> None: ...

    options = send.job(7).options
    assert (options.key, options.concurrency_key, options.concurrency_limit) == ("7-mail", "c-7", 3)
    keys = options.keys()
    assert keys is not None
    assert keys.key_period_us == 3_600_000_000
    assert send.options(key="mine").job(7).options.key == "mine"
    assert send.options(delay=1).job(7, kind="fax").options.key == "7-fax"


def test_a_function_may_decline() -> None:
    backend = FakeBackend()

    @backend.task(name="a", key=lambda number: f"n{number}" if number else None)
    def send(number: int) -> None: ...

    assert send.job(7).options.key == "n7"
    assert send.job(0).options.key is None


@pytest.mark.parametrize("template", ["{other}", "{0}", "{", "{number.x}{y}"])
def test_a_template_that_cannot_work_is_refused_at_once(template: str) -> None:
    backend = FakeBackend()
    with pytest.raises(InvalidInput) as caught:

        @backend.task(name="a", key=template)
        def send(number: int) -> None: ...

    assert caught.value.field == "key"


def test_a_key_that_cannot_be_made_says_why() -> None:
    backend = FakeBackend()

    @backend.task(name="a", key=lambda number: "x" * 500 if number else str(1 / number))
    def send(number: int) -> None: ...

    with pytest.raises(InvalidInput, match="ZeroDivisionError"):
        send.job(0)
    with pytest.raises(InvalidInput, match="1 to 200 printable"):
        send.job(1)


@pytest.mark.parametrize(
    "fields",
    [
        {"key": ""},
        {"key": "a\nb"},
        {"concurrency_key": "x" * 201},
        {"concurrency_limit": 0},
        {"key_period": -1},
    ],
)
def test_wrong_values_are_refused(fields: dict[str, object]) -> None:
    backend = FakeBackend()

    @backend.task(name="a")
    def send() -> None: ...

    with pytest.raises(InvalidInput) as caught:
        send.options(**fields)  # type: ignore[arg-type]
    assert caught.value.field in fields


def test_a_handle_says_whether_its_call_made_the_job() -> None:
    backend = FakeBackend()

    @backend.task(name="a")
    def send() -> None: ...

    assert send.enqueue().created
