"""`taskforge run`."""

import pytest

from taskforge.cli.exit_codes import ExitCode
from tests.cli.conftest import CommandLine
from tests.support.processes import Processes


def test_without_a_worker_it_runs_here_and_prints_only_the_result(anywhere: CommandLine) -> None:
    result = anywhere.ok("run", "add", 2, 3)
    assert result.out == "5\n"
    assert "no live worker serves queue 'default'" in result.err
    assert "printed by the task" in result.err


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["tasks.add", "-2"], "-1\n"),
        (["add", "2", "b=-3"], "-1\n"),
        (["report", "day=x y"], '{"day":"x y"}\n'),
        (["report", '"7"'], '{"day":"7"}\n'),
        (["greet", '["a", "b"]'], '"a b"\n'),
        (["weekday", "2026-01-31"], "6\n"),
    ],
)
def test_arguments(shop: CommandLine, arguments: list[str], printed: str) -> None:
    assert shop.ok("run", *arguments).out == printed


def test_a_failed_job_shows_its_traceback(shop: CommandLine) -> None:
    said = shop.refused(ExitCode.FAILURE, "run", "fail", "no \x1b[31mred")
    assert "tasks.py" in said
    assert said.splitlines()[-1].endswith(r"failed: ValueError: no \x1b[31mred")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ad", "1"], ExitCode.NOT_FOUND, "tasks.add"),
        (["add"], ExitCode.USAGE, "tasks.add(a: int, b: int = 1)"),
        (["add", "one"], ExitCode.USAGE, "a"),
        (["weekday", "2026-01-32"], ExitCode.USAGE, "payload.day"),
        (["report", "2026"], ExitCode.USAGE, "quoted twice: '\"2026\"'"),
        (["add", "--tiemout", "3"], ExitCode.USAGE, "there is no option --tiemout"),
        (["add", "a=1", "2"], ExitCode.USAGE, "positionals go first"),
        (["add", "1", "--timeout", "soon"], ExitCode.USAGE, "timeout is not a duration"),
        (["add", "1", "--app", "nosuch"], ExitCode.NOT_FOUND, "nosuch"),
    ],
)
def test_refused_before_a_job_is_made(shop: CommandLine, arguments: list[str], code: int, said: str) -> None:
    assert said in shop.refused(code, "run", *arguments)
    assert shop.ok("jobs", "list", "--json").json["jobs"] == []


@pytest.mark.parametrize("setting", ["capture_level", "capture_output", "dispatch"])
def test_a_setting_that_is_wrong_stores_nothing(
    shop: CommandLine, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    variable = f"TASKFORGE_{setting.upper()}"
    monkeypatch.setenv(variable, "loud")
    assert f"(from environment {variable})" in shop.refused(ExitCode.USAGE, "run", "add", 1)
    monkeypatch.delenv(variable)
    code = shop.folder / "tasks.py"
    code.write_text(code.read_text().replace("TaskForge()", f"TaskForge({setting}='loud')"))
    assert f"{setting} must be" in shop.refused(ExitCode.USAGE, "run", "add", 1)
    code.write_text(code.read_text().replace(f"TaskForge({setting}='loud')", "TaskForge()"))
    assert shop.ok("jobs", "list", "--json").json["jobs"] == []


def test_a_timeout_hands_the_job_back(shop: CommandLine) -> None:
    said = shop.refused(ExitCode.TIMEOUT, "run", "forever", "--timeout", "0.5s")
    assert "handed back" in said
    [job] = shop.ok("jobs", "list", "--json").json["jobs"]
    assert (job["status"], job["attempt_count"]) == ("pending", 0)


def test_it_may_only_wait(shop: CommandLine) -> None:
    said = shop.refused(ExitCode.TIMEOUT, "run", "add", 1, "--no-worker", "--timeout", "0.2")
    assert "waits for one" in said
    [job] = shop.ok("jobs", "list", "--json").json["jobs"]
    assert (job["status"], job["claim_seq"]) == ("pending", 0)


def test_only_its_own_task_is_run_here(shop: CommandLine) -> None:
    other = shop.enqueue("fail", "untouched")
    assert shop.ok("run", "add", 1).out == "2\n"
    assert shop.job(other)["status"] == "pending"


def test_with_a_worker_it_waits_for_it(shop: CommandLine, processes: Processes) -> None:
    worker = processes.taskforge("worker", folder=shop.folder)
    worker.wait_for("is online")
    result = shop.ok("run", "add", 2, 3)
    assert (result.out, result.err) == ("5\n", "")
