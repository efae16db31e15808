"""`taskforge config`."""

import pytest

from taskforge.cli.exit_codes import ExitCode
from taskforge.settings import SETTINGS
from tests.cli.conftest import CommandLine


def test_values_and_origins(bare: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKFORGE_DATABASE_URL", "postgresql://ann:canary@host/db")
    (bare.folder / "taskforge.toml").write_text("concurrency = 4\n")
    settings = bare.ok("config", "--json", "--project", "p").json["settings"]
    assert list(settings) == [setting.name for setting in SETTINGS]
    assert settings["concurrency"]["value"] == 4
    assert settings["concurrency"]["origin"] == str(bare.folder / "taskforge.toml")
    assert settings["database_url"]["value"] == "postgresql://ann:***@host/db"
    assert settings["database_url"]["origin"] == "environment TASKFORGE_DATABASE_URL"
    assert (settings["project"]["value"], settings["project"]["origin"]) == ("p", "argument")
    assert settings["log_level"]["origin"] == "default"
    out = bare.ok("config").out
    assert "canary" not in out
    assert "postgresql://ann:***@host/db" in out


def test_no_secret_is_shown(bare: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    schemes = {"smtp_url": "smtps", "redis_url": "redis"}
    for setting in SETTINGS:
        if setting.secret:
            address = f"{schemes.get(setting.name, 'https')}://ann:canary@host/x?password=canary"
            monkeypatch.setenv(setting.variable, address if setting.is_address else "canary")
    monkeypatch.setenv("TASKFORGE_SCALING_WEBHOOK_URL", "https://host")
    monkeypatch.setenv("TASKFORGE_SCALING_WEBHOOK_SECRET", "whsec_" + "canary" * 6)
    shown = bare.ok("config", "--json").json["settings"]
    assert shown["redis_url"]["value"] == "redis://ann:***@host/x?password=***"
    assert shown["secret_key"]["value"] == shown["key"]["value"] == shown["metrics_token"]["value"] == "***"
    assert "canary" not in str(shown)
    assert "canary" not in bare.ok("config").out


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("timezone", "'here' is no time zone"),
        ("root_path", "root_path must begin with /"),
        ("outbound_networks", "outbound_networks must be networks"),
        ("smtp_url", "smtp_url is no address of a mail server"),
    ],
)
def test_what_cannot_serve_is_refused_at_once(
    bare: CommandLine, monkeypatch: pytest.MonkeyPatch, setting: str, complaint: str
) -> None:
    monkeypatch.setenv(f"TASKFORGE_{setting.upper()}", "here")
    said = bare.refused(ExitCode.USAGE, "config")
    assert complaint in said
    assert f"(from environment TASKFORGE_{setting.upper()})" in said
    assert "hint: " in said


def test_an_archive_of_another_form_is_refused_at_once(
    bare: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKFORGE_ARCHIVE", "csv:jobs")
    said = bare.refused(ExitCode.USAGE, "config")
    assert "archive must be ndjson:FOLDER or parquet:FOLDER" in said
    assert "(from environment TASKFORGE_ARCHIVE)" in said


def test_a_word_is_refused_at_once_wherever_it_comes_from(
    bare: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = bare.refused(ExitCode.USAGE, "--log-format", "jsn", "config")
    assert "log_format must be console or json, not 'jsn' (from argument)" in said
    assert "hint: did you mean json?" in said
    file = bare.folder / "taskforge.toml"
    file.write_text("capture_output = false\n")
    assert f"capture_output must be on or off, not False (from {file})" in bare.refused(
        ExitCode.USAGE, "config"
    )
    monkeypatch.setenv("TASKFORGE_CAPTURE_OUTPUT", "off")
    monkeypatch.setenv("TASKFORGE_DISPATCH", "paper")
    said = bare.refused(ExitCode.USAGE, "config")
    assert "dispatch must be database or redis, not 'paper' (from environment TASKFORGE_DISPATCH)" in said


def test_a_wrong_value_is_named_with_its_origin(bare: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKFORGE_CONCURRENCY", "many")
    said = bare.refused(ExitCode.USAGE, "config")
    assert "environment TASKFORGE_CONCURRENCY" in said
