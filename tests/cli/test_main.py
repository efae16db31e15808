"""The command as a whole: help, version, global options, errors and exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from taskforge.cli import main
from taskforge.cli.exit_codes import ExitCode, exit_code_of
from taskforge.cli.main import globals_first, run_command
from taskforge.domain import errors
from tests.cli.conftest import CommandLine
from tests.support.processes import clean_environment

COMMANDS = ["alerts", "assignments", "audit", "bench", "breakers", "config", "demo", "dev", "doctor", "enqueue", "errors", "jobs", "keys", "migrate", "organizations", "pauses", "projects", "prune", "queues", "roles", "run", "scaling", "scheduler", "schedules", "serve", "top", "users", "worker", "workers"]  # fmt: skip
HEAVY = ("asyncpg", "sqlite3", "pydantic", "msgspec", "rich", "watchfiles", "asyncio", "uvloop")


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom taskforge.cli.main import run_command\nassert run_command(['--help']) == 0\n"
        f"print('heavy:', [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=clean_environment()
    )
    listed = [
        line.split()[0] for line in done.stdout.partition("Commands:")[2].splitlines() if line[:3].strip()
    ]
    assert sorted(word for word in listed if word != "heavy:") == COMMANDS
    assert done.stdout.endswith("heavy: []\n")


@pytest.mark.parametrize("command", [[name] for name in COMMANDS] + [["jobs", "list"], ["queues", "set"]])
def test_every_command_explains_itself(bare: CommandLine, command: list[str]) -> None:
    assert bare.ok(*command, "--help").out.startswith(f"Usage: taskforge {' '.join(command)}")


def test_version(bare: CommandLine) -> None:
    assert bare.ok("--version").out.startswith("taskforge 0.")


def test_an_unknown_command_is_a_usage_error(bare: CommandLine) -> None:
    assert "jobz" in bare.refused(ExitCode.USAGE, "jobz")
    assert "--lmit" in bare.refused(ExitCode.USAGE, "jobs", "list", "--lmit", 3)


def test_a_command_in_other_words_is_proposed(bare: CommandLine) -> None:
    assert "Did you mean 'queues'" in bare.refused(ExitCode.USAGE, "queue", "list")
    assert "Did you mean 'list'" in bare.refused(ExitCode.USAGE, "jobs", "lst")
    assert "Did you mean" not in bare.refused(ExitCode.USAGE, "xyzzy")


@pytest.mark.parametrize(
    ("start", "module"),
    [
        (["-c", "import taskforge_command as t; t.main()"], "contextvars"),  # the package imports it
        (["-c", "import taskforge_command as t; t.main()"], "typer"),
        (["-m", "taskforge"], "typer"),
    ],
)
def test_ctrl_c_while_it_is_imported_ends_it_quietly(start: list[str], module: str, tmp_path: Path) -> None:
    (tmp_path / f"{module}.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    environment = clean_environment()
    path = os.pathsep.join([str(tmp_path), environment.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *start, "--version"],
        env={**environment, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.INTERRUPTED, "", "")


def test_a_key_without_a_server_is_refused(shop: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    said = shop.refused(ExitCode.USAGE, "--key", "tfk_canary", "jobs", "list")
    assert "--key is for a server, and none is named" in said
    assert "canary" not in said
    assert "--key" in shop.refused(ExitCode.USAGE, "worker", "--key", "tfk_canary")
    monkeypatch.setenv("TASKFORGE_KEY", "tfk_canary")
    assert shop.ok("jobs", "list", "--json").json["jobs"] == [], "a variable is not said of this command"


def test_the_module_is_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "taskforge", "queues", "show", "nothing"],
        cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (ExitCode.NOT_FOUND, "")
    assert done.stderr == "error: no queue is named 'nothing'\nhint: there are none yet\n"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["jobs", "list", "--project", "p", "-v"], ["--project", "p", "-v", "jobs", "list"]),
        (["run", "x", "--database-url=u", "1"], ["--database-url=u", "run", "x", "1"]),
        (["run", "x", "--", "-v", "--project"], ["run", "x", "--", "-v", "--project"]),
        (["jobs", "--project"], ["--project", "jobs"]),
    ],
)
def test_global_options_may_stand_anywhere(given: list[str], expected: list[str]) -> None:
    assert globals_first(given) == expected


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidPayload("x"), 2),
        (errors.InvalidSetting("x"), 2),
        (errors.NotFound("x"), 3),
        (errors.IllegalTransition("x"), 4),
        (errors.QueueClosed("x"), 4),
        (errors.DuplicateTask("x"), 4),
        (errors.Unavailable("x"), 5),
        (errors.SchemaMismatch("x"), 6),
        (errors.ResultTimeout("x"), 7),
        (errors.JobFailed("x"), 1),
        (errors.JobCancelled("x"), 1),
        (errors.LeaseLost("x"), 1),
    ],
)
def test_each_error_has_its_code(error: errors.TaskforgeError, code: int) -> None:
    assert exit_code_of(error) == code


def test_every_code_says_what_it_means() -> None:
    assert all(code.meaning for code in ExitCode)
    assert len({int(code) for code in ExitCode}) == len(ExitCode)


def _raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(main, "application", fail)


def test_a_bug_is_one_line_and_a_traceback_only_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _raising(KeyError("oops"), monkeypatch)
    assert run_command(["jobs", "list"]) == ExitCode.BUG
    assert "Traceback" not in (said := capsys.readouterr().err)
    assert said.startswith("error: KeyError: 'oops'\nhint: ")
    assert run_command(["jobs", "list", "-v"]) == ExitCode.BUG
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_an_interrupt_is_silent(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _raising(KeyboardInterrupt(), monkeypatch)
    assert run_command(["jobs", "list"]) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == ""


def test_main_exits_with_the_code() -> None:
    with pytest.raises(SystemExit) as end:
        main.main(["nonsense"])
    assert end.value.code == ExitCode.USAGE


def test_an_unreachable_database_and_an_unknown_project(bare: CommandLine) -> None:
    url = "postgresql://user:secret@127.0.0.1:1/nothing"
    said = bare.refused(ExitCode.UNAVAILABLE, "jobs", "list", "--database-url", url)
    assert "cannot be reached" in said
    assert "secret" not in said
    assert "nope" in bare.refused(ExitCode.NOT_FOUND, "--project", "nope", "queues", "list")
    said = bare.refused(ExitCode.USAGE, "--database-url", "mysql://user:secret@host/x", "queues", "list")
    assert "secret" not in said
