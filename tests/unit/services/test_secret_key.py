"""The installation's secret key: weak ones are refused, and one is made for development."""

import stat
from pathlib import Path

import pytest

from taskforge.domain.errors import WeakSecret
from taskforge.services.secret_key import FILE, check_secret_key, development_secret


@pytest.mark.parametrize(
    "secret",
    [
        "zq4Xv7a-ssJ4Nkm677aEFUuRq7U3Shzrqzek8w0ojUA",
        "733b3e2de92a1acf87682690331f1c9325b211abb5d1ee1689a9c3342f5e38a6",
        "b3wEwJrQ5m0l8fV2aY7dXz1pT6uKhNcGsO9",
    ],
)
def test_a_random_one_serves(secret: str) -> None:
    assert check_secret_key(secret) == secret


@pytest.mark.parametrize(
    "secret",
    [
        None,
        "",
        "secret",
        "QAYDLB6PZ0wW5JpxZ0B7XDvvRbU",
        "a" * 64,
        "ab" * 40,
        "0123456789" * 8,
        "secret" * 10,
        "changeme-changeme-changeme-changeme",
        "change-me-please-this-is-an-example-secret",
        "taskforge-default-secret-key-12345678",
        "passwordpasswordpasswordpassword1",
    ],
)
def test_a_weak_one_is_refused_and_not_repeated(secret: str | None) -> None:
    with pytest.raises(WeakSecret) as refused:
        check_secret_key(secret)
    assert not secret or secret == "secret" or secret not in str(refused.value)
    assert "openssl" in (refused.value.hint or "")


def test_one_is_made_for_development_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / ".taskforge"
    made = development_secret(folder)
    assert check_secret_key(made) == made == development_secret(folder)
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600


def test_one_that_was_never_written_is_made_again(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    assert len(development_secret(tmp_path)) >= 32
    (tmp_path / FILE).write_text("short")
    with pytest.raises(WeakSecret):
        development_secret(tmp_path)
