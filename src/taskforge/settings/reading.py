"""The settings as they hold here. Order of precedence: argument, ``TASKFORGE_*`` in the environment,
``taskforge.toml`` or ``[tool.taskforge]`` in ``pyproject.toml``, default.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidSetting
from taskforge.settings.catalogue import SETTINGS
from taskforge.settings.checks import check_pairs
from taskforge.settings.setting import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_OURS = ("TASKFORGE_TEST_", "TASKFORGE_BENCH_")
"""What the variables of other programs begin with: of the tests, of the benchmarks."""
DATA_FOLDER = ".taskforge"
_BY_NAME = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective values. ``origins`` says where each came from."""

    database_url: str
    project: str
    server: str | None
    redis_url: str | None
    redis_prefix: str
    dispatch: str
    key: str | None
    app: str | None
    concurrency: int
    lease_seconds: float
    recovery_interval_seconds: float
    grace_seconds: float
    liveness_file: str | None
    liveness_port: int
    liveness_host: str
    metrics_port: int
    liveness_seconds: float
    poll_seconds: float
    poll_without_hints_seconds: float
    pool_size: int
    statement_cache: int
    process_max_jobs: int
    process_max_mebibytes: int
    secret_key: str | None
    metrics_token: str | None
    host: str
    port: int
    root_path: str
    environment: str
    cors_origins: str
    outbound_networks: str
    smtp_url: str | None
    smtp_from: str
    alert_interval_seconds: float
    scaling_interval_seconds: float
    scaling_webhook_url: str | None
    scaling_webhook_secret: str | None
    scaling_kubernetes_namespace: str | None
    scaling_kubernetes_deployment: str
    scaling_kubernetes_config: str | None
    timezone: str
    keep_succeeded_days: float
    keep_cancelled_days: float
    keep_failed_days: float
    retention_interval_seconds: float
    retention_batch: int
    archive: str | None
    result_kibibytes: int
    capture_output: str
    capture_level: str
    log_level: str
    log_format: str
    log_redact_keys: str
    previous_secret_key: str | None
    origins: Mapping[str, str]


def load_settings(
    arguments: Mapping[str, Any] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """The settings as they hold here. Raises InvalidSetting, naming the value and where it came from."""
    folder = folder or Path.cwd()
    environment = os.environ if environment is None else environment
    file, in_file = _read_file(folder)
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for setting in SETTINGS:
        given = (arguments or {}).get(setting.name)
        if given is not None:
            found, origin = given, "argument"
        elif environment.get(setting.variable):
            found, origin = environment[setting.variable], f"environment {setting.variable}"
        elif setting.name in in_file:
            found, origin = in_file[setting.name], str(file)
        else:
            found, origin = setting.default, "default"
        values[setting.name] = found if found is None else setting.taken(found, origin)
        origins[setting.name] = origin
    if values["database_url"] is None:
        values["database_url"] = f"sqlite:///{home(folder) / DATA_FOLDER / 'taskforge.db'}"
    unknown = set(arguments or {}) - _BY_NAME.keys()
    if unknown:
        raise _unknown(unknown.pop(), "an argument")
    check_pairs(values, origins)
    return Settings(**values, origins=origins)


def strays(environment: Mapping[str, str]) -> dict[str, str | None]:
    """Variables that look like ours and set nothing, each with the one that may be meant."""
    known = {setting.variable for setting in SETTINGS}
    found = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    kept = [name for name in found if not name.startswith(NOT_OURS)]
    return {name: next(iter(difflib.get_close_matches(name, known, n=1)), None) for name in kept}


def home(folder: Path) -> Path:
    """The folder of the nearest pyproject.toml or taskforge.toml, else the current one."""
    for candidate in (folder, *folder.parents):
        if (candidate / "taskforge.toml").is_file() or (candidate / "pyproject.toml").is_file():
            return candidate
    return folder


def _read_file(folder: Path) -> tuple[Path | None, Mapping[str, Any]]:
    import tomllib

    base = home(folder)
    for name in ("taskforge.toml", "pyproject.toml"):
        path = base / name
        if not path.is_file():
            continue
        try:
            content: Any = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidSetting(f"{path} is not valid TOML: {error}") from error
        except OSError as error:
            raise InvalidSetting(
                f"{path} cannot be read: {error.strerror}", hint="settings of this folder stand there"
            ) from error
        if name == "pyproject.toml":
            content = content.get("tool", {}).get("taskforge", {})
            if not isinstance(content, dict):
                raise InvalidSetting(f"{path}: tool.taskforge must be a table", hint="[tool.taskforge]")
        for key in content:
            if key not in _BY_NAME:
                raise _unknown(key, str(path))
        if content:
            return path, content
    return None, {}


def _unknown(name: str, place: str) -> InvalidSetting:
    close = difflib.get_close_matches(name, _BY_NAME, n=1)
    return InvalidSetting(
        f"{place} sets {name!r}, which is no setting",
        field=name,
        hint=f"did you mean {close[0]}?" if close else f"settings: {', '.join(_BY_NAME)}",
    )


assert {field.name for field in fields(Settings)} == {*_BY_NAME, "origins"}  # noqa: S101 - at import, once
