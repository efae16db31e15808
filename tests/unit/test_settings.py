"""Settings: words that are right, words that are not, and who parses them."""

from pathlib import Path
from typing import Any

import pytest

from taskforge.domain.errors import InvalidSetting
from taskforge.runtime.log_format import FORMATTERS
from taskforge.settings import LOG_LEVELS, SETTINGS, Setting, load_settings

SECRET = "whsec_" + "A" * 32
WORDS = [setting for setting in SETTINGS if setting.choices]
by_name = pytest.mark.parametrize("setting", WORDS, ids=lambda setting: setting.name)


def load(folder: Path, **arguments: Any) -> Any:
    return load_settings(arguments, environment={}, folder=folder)


@by_name
def test_every_word_is_taken_in_capitals_too(setting: Setting, tmp_path: Path) -> None:
    assert setting.default in setting.choices
    for word in setting.choices:
        for written in (word, word.upper()):
            assert getattr(load(tmp_path, **{setting.name: written}), setting.name) == word


@by_name
@pytest.mark.parametrize("value", ["", "x" * 1000, 3, True, b"on"])
def test_another_is_refused_with_all_that_are_right(setting: Setting, value: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=rf"^{setting.name} must be .* \(from argument\)$") as refused:
        load(tmp_path, **{setting.name: value})
    assert refused.value.field == setting.name
    assert all(word in refused.value.message for word in setting.choices)
    assert len(refused.value.message) < 300


def test_a_word_that_is_meant_is_proposed(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting) as refused:
        load(tmp_path, log_level="wraning")
    assert refused.value.hint == "did you mean warning?"


def test_the_words_are_those_that_there_is_something_for() -> None:
    choices = {setting.name: setting.choices for setting in WORDS}
    assert choices["log_format"] == tuple(FORMATTERS)
    assert choices["log_level"] == tuple(LOG_LEVELS)
    assert choices["capture_level"] == (*LOG_LEVELS, "off")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("smtp_url", "smtp://u:canary@h:99999"),
        ("smtp_url", ""),
        ("archive", "csv:jobs"),
        ("archive", "ndjson:"),
        ("redis_url", "http://u:canary@h"),
        ("redis_url", "redis://u:canary@h:99999"),
        ("redis_url", ""),
        ("redis_url", "canary"),
        ("cors_origins", "https://a.example, https://b.example/path"),
        ("cors_origins", "https://["),
        ("cors_origins", "*"),
        ("scaling_webhook_url", "ftp://example.com"),
        ("scaling_webhook_url", "https://u:canary@example.com"),
        ("scaling_webhook_secret", "canary"),
    ],
)
def test_an_address_that_cannot_serve_is_refused_at_once(name: str, value: str, tmp_path: Path) -> None:
    file = tmp_path / "taskforge.toml"
    file.write_text(f'{name} = "{value}"\n')
    with pytest.raises(InvalidSetting) as refused:
        load(tmp_path)
    assert refused.value.field == name
    assert refused.value.message.endswith(f"(from {file})")
    assert name in refused.value.message
    assert "canary" not in str(refused.value)


def test_an_address_that_can_is_kept(tmp_path: Path) -> None:
    right = {
        "smtp_url": "smtps://u:p@h",
        "archive": "parquet:jobs",
        "cors_origins": "https://a.example, http://localhost:3000",
        "scaling_webhook_url": "https://example.com/hooks",
        "scaling_webhook_secret": SECRET,
    }
    for redis in ("redis://u:p@h:6379/0?cluster=true", "rediss://[::1]", "unix:///run/redis.sock?db=1"):
        settings = load(tmp_path, redis_url=redis, **right)
        assert {name: getattr(settings, name) for name in right} == right
        assert settings.redis_url == redis


@pytest.mark.parametrize(
    ("given", "value", "missing"),
    [
        ("scaling_webhook_url", "https://example.com", "scaling_webhook_secret"),
        ("scaling_webhook_secret", SECRET, "scaling_webhook_url"),
    ],
)
def test_half_a_pair_is_refused(given: str, value: str, missing: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting) as refused:
        load(tmp_path, **{given: value})
    assert refused.value.message == f"{given} is set (from argument), and {missing} is not"
    assert refused.value.field == missing


def test_a_file_without_a_table_of_ours(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool]\ntaskforge = 3\n")
    with pytest.raises(InvalidSetting, match=r"pyproject\.toml: tool\.taskforge must be a table"):
        load(tmp_path)


@pytest.mark.parametrize("written", ["inf", "nan", "1.5", "true", "1_001"])
def test_a_number_that_is_none_is_refused(written: str, tmp_path: Path) -> None:
    (tmp_path / "taskforge.toml").write_text(f"concurrency = {written}\n")
    with pytest.raises(InvalidSetting, match=r"^concurrency must be .*taskforge\.toml\)$"):
        load(tmp_path)
