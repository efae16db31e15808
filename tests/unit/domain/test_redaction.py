"""Members of payloads that are not shown: found at any depth, and put back when a payload comes back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.errors import InvalidInput
from taskforge.domain.redaction import REDACTED, Redaction, check_redacted_keys, redact, restore

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


def test_texts_that_repeat_a_hidden_value_are_without_it() -> None:
    payload = {"card": {"no": "4111-1111", "cvc": 7}, "deep": [{"PIN": 987654}], "to": "ani"}
    hidden = Redaction.of(CARD, payload, None, {"card": ["9-9-9-9"]})
    assert hidden.text("4111-1111 of ani, pin 987654, cvc 7, 9-9-9-9") == (
        f"{REDACTED} of ani, pin {REDACTED}, cvc 7, {REDACTED}"
    )
    assert hidden.text(None) is None
    assert hidden.value({"card": 1, "said": ["no. 4111-1111"]}) == {
        "card": REDACTED,
        "said": [f"no. {REDACTED}"],
    }


@pytest.mark.parametrize("secret", ['quo"ted', "it's", "tab\there", "übung", "back\\slash"])
def test_it_is_found_as_json_and_as_python_write_it(secret: str) -> None:
    hidden = Redaction.of(CARD, {"card": secret})
    for text in (secret, repr(secret), json.dumps(secret), json.dumps([secret], ensure_ascii=False)):
        assert secret[-4:] not in hidden.text(f"card {text} refused")  # type: ignore[operator]


def test_a_value_of_many_lines_is_found_line_by_line_and_a_short_one_is_not_looked_for() -> None:
    hidden = Redaction.of(CARD, {"card": "first line\n  second line\nno", "pin": "12"})
    assert hidden.text("| second line | no | 12") == f"| {REDACTED} | no | 12"
    assert hidden.text("ab[redacted]") == "ab[redacted]"


def test_whoever_may_see_all_sees_the_text_as_it_is() -> None:
    assert Redaction.of(frozenset(), {"card": "4111-1111"}).text("4111-1111") == "4111-1111"
