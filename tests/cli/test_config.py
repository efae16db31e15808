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
    secrets = [setting for setting in SETTINGS if setting.secret]
    for setting in secrets:
        monkeypatch.setenv(
            setting.variable,
            "https://ann:canary@host/x?password=canary" if "url" in setting.name else "canary",
        )
    shown = bare.ok("config", "--json").json["settings"]
    assert shown["redis_url"]["value"] == "https://ann:***@host/x?password=***"
    assert shown["secret_key"]["value"] == shown["key"]["value"] == shown["metrics_token"]["value"] == "***"
    assert "canary" not in str(shown)
    assert "canary" not in bare.ok("config").out


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("timezone", "'here' is no time zone"),
        ("root_path", "root_path must begin with /"),
        ("outbound_networks", "outbound_networks must be networks"),
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


def test_a_wrong_value_is_named_with_its_origin(bare: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKFORGE_CONCURRENCY", "many")
    said = bare.refused(ExitCode.USAGE, "config")
    assert "environment TASKFORGE_CONCURRENCY" in said
