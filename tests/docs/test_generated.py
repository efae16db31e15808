"""The generated parts of docs/ are those that the code would generate now."""

import pytest

from scripts.generate_docs import ADVICE, DOCS, EVENTS, EXECUTION_STATUSES, HOLDS, PARTS, REASONS, generated
from taskforge.domain import errors
from taskforge.domain.execution import ExecutionStatus, Reason
from taskforge.domain.job import Hold
from taskforge.domain.lifecycle import JobEvent


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
