"""Settings: words that are right, words that are not, and who parses them."""

from pathlib import Path
from typing import Any

import pytest

from taskforge.domain.errors import InvalidSetting
from taskforge.runtime.log_format import FORMATTERS
from taskforge.settings import LOG_LEVELS, SETTINGS, Setting, load_settings

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
    ],
)
def test_an_address_that_cannot_serve_is_refused_at_once(name: str, value: str, tmp_path: Path) -> None:
    file = tmp_path / "taskforge.toml"
    file.write_text(f'{name} = "{value}"\n')
    with pytest.raises(InvalidSetting) as refused:
        load(tmp_path)
    assert refused.value.field == name
    assert refused.value.message.endswith(f"(from {file})")
    assert "canary" not in str(refused.value)


def test_an_address_that_can_is_kept(tmp_path: Path) -> None:
    settings = load(tmp_path, smtp_url="smtps://u:p@h", archive="parquet:jobs")
    assert (settings.smtp_url, settings.archive) == ("smtps://u:p@h", "parquet:jobs")
