"""The demo with a Redis of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from taskforge.demo import command, own_redis
from taskforge.domain.errors import NotFound


def test_it_brings_its_redis_and_takes_it_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with own_redis.own_redis() as url:
        socket = Path(url.removeprefix("unix://"))
        assert socket.is_socket()
    assert not socket.parent.exists()
    assert command.run(report_folder=tmp_path, limit=2, as_json=True, with_redis=True) == 0
    said = json.loads(capsys.readouterr().out)["redis"]
    assert said.startswith("said which job is next for")
    assert "of 3 attempts" in said


def test_without_a_program_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_redis, "PROGRAMS", ())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotFound) as caught, own_redis.own_redis():
        pass
    assert "redis-server" in (caught.value.hint or "")
