"""Every setting once: its name, type, default and what it is for. `docs/settings.md` is made of it."""

from __future__ import annotations

import logging

from taskforge.domain.bounds import RESULT_BYTES
from taskforge.settings import checks
from taskforge.settings.setting import Setting

LOG_LEVELS = {
    "trace": 5,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
"""What a level is to stdlib logging."""

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
        check=checks.check_path,
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
        check=checks.check_networks,
    ),
    Setting(
        "smtp_url",
        str,
        None,
        "The mail server for alerts: smtps://user:password@host (TLS), smtp:// (STARTTLS) or smtp+plain:// (neither).",
        secret=True,
        check=checks.check_mail_server,
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
        check=checks.check_zone,
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
        check=checks.check_archive,
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
