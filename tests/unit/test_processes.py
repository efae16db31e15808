"""Whether a process is gone: said only when it is sure, because its jobs are given away at once."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from taskforge.services import processes
from taskforge.services.processes import is_alive, this_machine, this_process

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only /proc tells")


def test_this_process_lives_and_another_of_its_number_did_not() -> None:
    me = this_process()
    assert me.pid == os.getpid()
    assert me.machine
    assert is_alive(me) is True
    assert is_alive(replace(me, started=str(int(me.started) + 1))) is False, "the number was used again"
    assert is_alive(replace(me, machine="another")) is None
    assert is_alive(replace(me, machine="")) is None


def test_a_killed_one_is_gone_also_as_a_zombie() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = replace(this_process(), pid=child.pid, started=processes._started(child.pid))
    assert is_alive(identity) is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it is dead, and nobody has taken note
    assert is_alive(identity) is False
    child.communicate()
    assert is_alive(identity) is False


@pytest.mark.parametrize("error", [FileNotFoundError(2, "hidden"), OSError(24, "too many open files")])
def test_what_cannot_be_looked_up_is_not_called_dead(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    me = this_process()

    def fail(pid: int) -> str:
        raise error

    monkeypatch.setattr(processes, "_started", fail)
    assert is_alive(me) is None


def test_another_user_s_process_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    me = this_process()

    def refuse(pid: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert is_alive(me) is True


def test_without_proc_or_with_that_of_another_namespace_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = this_process()
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    assert this_machine() == ""
    (tmp_path / "self").symlink_to("1")
    assert this_machine() == ""
    assert this_process().started == ""
    assert is_alive(me) is None
