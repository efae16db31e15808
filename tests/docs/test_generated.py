"""The generated parts of docs/ are those that the code would generate now."""

import pytest

import taskforge
import taskforge.client
import taskforge.testing
from scripts import reference_commands, reference_events, reference_python
from scripts.generate_docs import ADVICE, DOCS, EVENTS, EXECUTION_STATUSES, HOLDS, PARTS, REASONS, generated
from taskforge.domain import errors
from taskforge.domain.execution import ExecutionStatus, Reason
from taskforge.domain.job import Hold
from taskforge.domain.lifecycle import JobEvent
from taskforge.ports.signals import Topic


@pytest.mark.parametrize("page", PARTS)
def test_a_page_is_not_stale(page: str) -> None:
    assert generated(page) == (DOCS / page).read_text("utf-8"), "run: python -m scripts.generate_docs"


def test_every_word_is_explained() -> None:
    assert set(EVENTS) == set(JobEvent)
    assert set(EXECUTION_STATUSES) == set(ExecutionStatus)
    assert set(REASONS) == set(Reason)
    assert set(HOLDS) == set(Hold)
    family = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert set(ADVICE) == family


def test_every_public_name_is_in_the_reference() -> None:
    places = {place for group in reference_python.GROUPS.values() for place in group}
    for module in (taskforge, taskforge.client, taskforge.testing):
        assert {f"{module.__name__}.{name}" for name in module.__all__} <= places


def test_every_event_is_explained() -> None:
    assert set(reference_events.TOPICS) == set(Topic) - reference_events.NOT_SHOWN
    members = {name for told in reference_events.MESSAGES for name in reference_events.data_of(told)}
    assert members == set(reference_events.MEMBERS)


def test_every_command_and_option_is_explained() -> None:
    for command in reference_commands.commands():
        assert command.text, command.words
        assert [one.form for one in command.given if not (one.form and one.meaning)] == [], command.words
