"""Putting API and dashboard under the user's own site."""

import pytest
from starlette.applications import Starlette

from taskforge import TaskForge
from taskforge.domain.errors import InvalidInput


def test_a_path_without_a_slash_is_refused_and_told_what_would_be_right() -> None:
    with pytest.raises(InvalidInput, match="cannot mount at 'taskforge'") as refused:
        TaskForge("sqlite://").mount(Starlette(), "taskforge")
    assert refused.value.hint == "begin with a slash: /taskforge"
