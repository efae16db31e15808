"""Every setting once: its name, type, default and what it is for. `docs/settings.md` is checked against it.

Order of precedence: argument, ``TASKFORGE_*`` in the environment, ``taskforge.toml`` or ``[tool.taskforge]``
in ``pyproject.toml``, default.
"""

from __future__ import annotations

import difflib
import logging
import math
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskforge.domain.bounds import RESULT_BYTES
from taskforge.domain.errors import InvalidInput, InvalidSetting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX = "TASKFORGE_"
NOT_OURS = ("TASKFORGE_TEST_", "TASKFORGE_BENCH_")
"""What the variables of other programs begin with: of the tests, of the benchmarks."""
DATA_FOLDER = ".taskforge"
LOG_LEVELS = {
    "trace": 5,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
"""What a level is to stdlib logging."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. ``least`` and ``most`` bound a number; ``secret`` values are shown masked.

    ``choices`` are the words that it may be, if only some are right; capitals are taken for small letters.
    ``check`` raises InvalidInput for a text that cannot serve, saying which setting or what it is not.
    """

    name: str
    kind: type
    default: Any
    help: str
    least: float = -math.inf
    most: float = math.inf
    secret: bool = False
    choices: tuple[str, ...] = ()
    check: Callable[[str], object] | None = None

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.name.upper()

    @property
    def is_address(self) -> bool:
        """Whether it is an address: of a secret one only the password is secret."""
        return self.name.endswith("_url")


def _zone(name: str) -> None:
    if name != "UTC":  # known without the zones of the system
        from taskforge.domain.local_time import zone_named

        zone_named(name)


def _path(path: str) -> None:
    if path and not path.startswith("/"):
        raise InvalidInput(
            f"root_path must begin with /, and {path!r:.120} does not", hint="such as /taskforge"
        )


def _networks(text: str) -> None:
    if text:
        from taskforge.domain.outbound import parse_networks

        parse_networks(text, "outbound_networks")


def _mail_server(url: str) -> None:
    from taskforge.outbound.mail_server import parse_mail_server

    parse_mail_server(url)


def _archive(setting: str) -> None:
    from taskforge.storage.archives import parse_archive

    parse_archive(setting)


SETTINGS = (
    Setting(
        "database_url",
        str,
        None,
        "Where jobs are kept: sqlite:///file.db or postgresql://user@host/name. "
        "Without it, a SQLite file in .taskforge/ beside pyproject.toml or taskforge.toml.",
        secret=True,
    ),
    Setting(
        "project",
        str,
        "default",
        "The project whose queues, jobs and workers are meant; organization/project outside of the organization default.",
    ),
    Setting(
        "server",
        str,
        None,
        "The address of a server. Workers and commands then use it, under `key`, and open no database.",
    ),
    Setting(
        "redis_url",
        str,
        None,
        "A Redis or Valkey beside the database, redis://host:6379/0 (of a cluster: any node, with ?cluster=true): faster "
        "hints, and locks. Nothing that must be true stands in it. Needs the extra redis.",
        secret=True,
    ),
    Setting(
        "redis_prefix",
        str,
        "taskforge",
        "What keys and channels in Redis begin with; one for each installation.",
    ),
    Setting(
        "dispatch",
        str,
        "database",
        "Who says which job is next: database, or redis (ready queues in Redis, faster; the database still accepts, claims "
        "and settles). May differ between processes, and be changed one by one.",
        choices=("database", "redis"),
    ),
    Setting("key", str, None, "The API key (tfk_...) under which a server is used.", secret=True),
    Setting("app", str, None, "The application: module:name, or a file. Else tasks.py, app.py or main.py."),
    Setting("concurrency", int, 10, "How many jobs a worker runs at a time.", 1, 1000),
    Setting("lease_seconds", float, 30.0, "How long a worker owns a job after a sign of life.", 1, 86400),
    Setting(
        "recovery_interval_seconds",
        float,
        10.0,
        "How often each process looks for lost jobs, due jobs and jobs that waited too long.",
        0.1,
        3600,
    ),
    Setting(
        "grace_seconds",
        float,
        30.0,
        "How long running jobs may go on after SIGTERM before they are handed back.",
        0,
        86400,
    ),
    Setting(
        "liveness_file",
        str,
        None,
        "A file whose time of modification is the last moment at which a worker could claim; removed while it cannot.",
    ),
    Setting(
        "liveness_port",
        int,
        0,
        "A port on which a worker answers HTTP with 200 while it can claim, else with 503; 0: none.",
        0,
        65535,
    ),
    Setting("liveness_host", str, "127.0.0.1", "The address of that port; 0.0.0.0 for a probe from outside."),
    Setting(
        "metrics_port",
        int,
        0,
        "A port at which a worker tells Prometheus of itself (/metrics, at the address `liveness_host`); with --processes "
        "each takes the next one; 0: none. Needs the extra prometheus.",
        0,
        65535,
    ),
    Setting(
        "liveness_seconds",
        float,
        60.0,
        "For how many seconds claiming may fail before file, port and systemd's watchdog say so.",
        1,
        86400,
    ),
    Setting(
        "poll_seconds",
        float,
        5.0,
        "How often an idle worker asks for jobs while hints arrive, unless recovery has just seen that there are none; on "
        "SQLite, where it watches the file, a sixth as often.",
        0.05,
        3600,
    ),
    Setting("poll_without_hints_seconds", float, 1.0, "How often it asks while no hints arrive.", 0.01, 3600),
    Setting("pool_size", int, 10, "PostgreSQL connections of one process.", 1, 1000),
    Setting(
        "statement_cache",
        int,
        256,
        "Prepared statements kept for each PostgreSQL connection; 0 behind a pooler that does not know them.",
        0,
        10_000,
    ),
    Setting(
        "process_max_jobs",
        int,
        1000,
        "After how many jobs the child process of a process task is replaced; 0: never.",
        0,
        10_000_000,
    ),
    Setting(
        "process_max_mebibytes",
        int,
        0,
        "How much memory such a child may occupy after a job before it is replaced; 0: any.",
        0,
        10_000_000,
    ),
    Setting(
        "secret_key",
        str,
        None,
        "What `taskforge serve` signs tokens and cursors with: at least 32 random characters.",
        secret=True,
    ),
    Setting(
        "metrics_token",
        str,
        None,
        "What Prometheus shows at `/metrics` of a server as its bearer token, to see all organizations: at least 16 "
        "characters. Without it, a key with the permission `metrics:read` sees those of its own projects.",
        secret=True,
    ),
    Setting("host", str, "127.0.0.1", "The address that `taskforge serve` listens on."),
    Setting("port", int, 8321, "The port that `taskforge serve` listens on; 0: any free one.", 0, 65535),
    Setting(
        "root_path",
        str,
        "",
        "The path under which a proxy serves the API, such as /taskforge.",
        check=_path,
    ),
    Setting(
        "environment",
        str,
        "",
        "What this installation is, such as production or staging: the dashboard shows it on every page.",
    ),
    Setting(
        "cors_origins",
        str,
        "",
        "Other sites whose pages may read the API with a key of their own, with commas: https://a.example.",
    ),
    Setting(
        "outbound_networks",
        str,
        "",
        "Networks that are not public, with commas, to which webhooks may go all the same, also without TLS: 10.1.0.0/16.",
        check=_networks,
    ),
    Setting(
        "smtp_url",
        str,
        None,
        "The mail server for alerts: smtps://user:password@host (TLS), smtp:// (STARTTLS) or smtp+plain:// (neither).",
        secret=True,
        check=_mail_server,
    ),
    Setting("smtp_from", str, "taskforge@localhost", "Whom e-mails are from."),
    Setting(
        "alert_interval_seconds",
        float,
        15.0,
        "How often alert rules are looked at: by one of all processes with a database.",
        0.1,
        3600,
    ),
    Setting(
        "scaling_interval_seconds",
        float,
        10.0,
        "How often servers and schedulers look at scaling policies; one of them does.",
        0.1,
        3600,
    ),
    Setting(
        "scaling_webhook_url",
        str,
        None,
        "Who is told how many workers a queue should have, where its policy says webhook.",
    ),
    Setting("scaling_webhook_secret", str, None, "What that is signed with: whsec_... .", secret=True),
    Setting(
        "scaling_kubernetes_namespace",
        str,
        None,
        "The namespace in which policies that say kubernetes scale Deployments. Needs the extra kubernetes.",
    ),
    Setting(
        "scaling_kubernetes_deployment",
        str,
        "taskforge-worker-{queue}",
        "The Deployment of a queue whose policy names none.",
    ),
    Setting(
        "scaling_kubernetes_config",
        str,
        None,
        "A kubeconfig file; without it the service account of the pod that the server runs in.",
    ),
    Setting(
        "timezone",
        str,
        "UTC",
        "The time zone of schedules that name none: a name of the IANA database.",
        check=_zone,
    ),
    Setting(
        "keep_succeeded_days",
        float,
        7.0,
        "How many days jobs that succeeded are kept; a queue's setting of this name goes before.",
        0.001,
        36_500,
    ),
    Setting("keep_cancelled_days", float, 30.0, "The same for cancelled jobs.", 0.001, 36_500),
    Setting(
        "keep_failed_days", float, 90.0, "The same for failed jobs, dead letters among them.", 0.001, 36_500
    ),
    Setting(
        "retention_interval_seconds",
        float,
        60.0,
        "How often finished jobs that are too old are looked for: by one of all processes with a worker.",
        1,
        86_400,
    ),
    Setting("retention_batch", int, 1000, "How many of them are removed in one transaction.", 1, 10_000),
    Setting(
        "archive",
        str,
        None,
        "Where finished jobs are written before they are removed: ndjson:FOLDER or parquet:FOLDER. "
        "Without it they are only removed.",
        check=_archive,
    ),
    Setting(
        "result_kibibytes",
        int,
        RESULT_BYTES // 1024,
        "How large the result of a job may be, as JSON; a larger one fails its attempt. Workers read it.",
        1,
        1024,
    ),
    Setting(
        "capture_output",
        str,
        "on",
        "Whether what a task prints goes to its job's log.",
        choices=("on", "off"),
    ),
    Setting(
        "capture_level",
        str,
        "info",
        "The least level of stdlib logging that goes to a job's log, or off.",
        choices=(*LOG_LEVELS, "off"),
    ),
    Setting(
        "log_level",
        str,
        "info",
        "The least level that processes of TaskForge write to stderr.",
        choices=tuple(LOG_LEVELS),
    ),
    Setting(
        "log_format",
        str,
        "console",
        "In which form: console (a line for people) or json.",
        choices=("console", "json"),
    ),
    Setting(
        "log_redact_keys",
        str,
        "",
        "Names of members, with commas, that are never written to logs, beside password, token and the like.",
    ),
    Setting(
        "previous_secret_key",
        str,
        None,
        "The secret key before this one: logins that it signed hold until they end.",
        secret=True,
    ),
)
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
        values[setting.name] = found if found is None else _converted(setting, found, origin)
        origins[setting.name] = origin
    if values["database_url"] is None:
        values["database_url"] = f"sqlite:///{home(folder) / DATA_FOLDER / 'taskforge.db'}"
    unknown = set(arguments or {}) - _BY_NAME.keys()
    if unknown:
        raise _unknown(unknown.pop(), "an argument")
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
        if name == "pyproject.toml":
            content = content.get("tool", {}).get("taskforge", {})
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


def _chosen(setting: Setting, value: Any, origin: str) -> str:
    word = str(value).lower()
    if word in setting.choices:
        return word
    *others, last = setting.choices
    close = difflib.get_close_matches(word, setting.choices, n=1)
    raise InvalidSetting(
        f"{setting.name} must be {', '.join(others)} or {last}, not {value!r:.120} (from {origin})",
        field=setting.name,
        hint=f"did you mean {close[0]}?" if close else None,
    )


def _converted(setting: Setting, value: Any, origin: str) -> Any:
    if setting.choices:
        return _chosen(setting, value, origin)
    wanted = {str: "a text", int: "a whole number", float: "a number"}[setting.kind]
    try:
        if isinstance(value, bool) or (setting.kind is str and not isinstance(value, str)):
            raise ValueError
        converted = setting.kind(value)
        if setting.kind is int and float(value) != converted:
            raise ValueError
    except (TypeError, ValueError):
        shown = "the value" if setting.secret else repr(value)
        raise InvalidSetting(
            f"{setting.name} must be {wanted}, not {shown} (from {origin})", field=setting.name
        ) from None
    if setting.kind is not str and not setting.least <= converted <= setting.most:
        raise InvalidSetting(
            f"{setting.name} must be from {setting.least:g} to {setting.most:,.10g}, not {value!r} (from {origin})",
            field=setting.name,
        )
    if setting.check is not None:
        try:
            setting.check(converted)
        except InvalidInput as error:
            raise InvalidSetting(
                f"{error.message} (from {origin})", field=setting.name, hint=error.hint
            ) from None
    return converted


assert {field.name for field in fields(Settings)} == {*_BY_NAME, "origins"}  # noqa: S101 - at import, once
