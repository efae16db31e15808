"""Members of payloads that are not shown: found at any depth, and put back when a payload comes back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.errors import InvalidInput
from taskforge.domain.redaction import REDACTED, check_redacted_keys, redact, restore

CARD = frozenset({"card", "pin"})

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["card", "Pin", "to", "x"]), inner, max_size=3)
    ),
    max_leaves=10,
)


def test_members_are_found_by_name_wherever_they_are() -> None:
    shown = redact({"to": "ani", "CARD": {"no": 1}, "deep": [{"pin": 2, "n": 3}]}, CARD)
    assert shown == {"to": "ani", "CARD": REDACTED, "deep": [{"pin": REDACTED, "n": 3}]}
    assert redact("card", CARD) == "card"
    assert redact({"discard": 1}, CARD) == {"discard": 1}


@given(JSON)
def test_what_comes_back_as_it_was_shown_is_what_it_was(value: Any) -> None:
    assert restore(redact(value, CARD), value, CARD) == value


def test_what_was_changed_is_changed_and_the_rest_is_kept() -> None:
    before = {"to": "ani", "card": 1, "in": {"pin": 2}, "list": [{"pin": 3}, True]}
    given = {"to": "budi", "card": REDACTED, "in": {"pin": 7, "new": 1}, "list": [{"pin": REDACTED}, 1]}
    kept = restore(given, before, CARD)
    assert kept == {"to": "budi", "card": 1, "in": {"pin": 7, "new": 1}, "list": [{"pin": 3}, 1]}
    assert kept["list"][1] is not True


@pytest.mark.parametrize(
    "given",
    [
        {"other": {"card": REDACTED}},
        {"list": [{"to": "budi", "card": REDACTED}]},
        {"list": [{"to": "x"}, {"to": "ani", "card": REDACTED}]},
    ],
)
def test_it_is_never_guessed_what_was_meant(given: Any) -> None:
    with pytest.raises(InvalidInput, match="nothing to keep for 'card'") as refused:
        restore(given, {"card": 1, "list": [{"to": "ani", "card": 2}]}, CARD)
    assert refused.value.field == "payload"


def test_names_are_kept_without_regard_to_case() -> None:
    assert check_redacted_keys(["Pin", "card", "PIN"]) == ("card", "pin")
    for wrong in ([""], [" "], ["x" * 101], ["a\nb"], [f"n{number}" for number in range(101)]):
        with pytest.raises(InvalidInput):
            check_redacted_keys(wrong)
