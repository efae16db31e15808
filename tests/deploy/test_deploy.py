"""What is in `deploy/` fits itself, the command line and the settings. What runs it is not here: no engine, no cluster."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import typer.main
import yaml
from typer.core import TyperGroup

from scripts.render_chart import NAMES, RENDERED, checksum
from taskforge.cli.main import application
from taskforge.settings import SETTINGS
from tests.architecture.source import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
GRACE_AND_STOPPING = 45
"""`grace_seconds` and fifteen more."""
SETTINGS_IN_ENVIRONMENT = {f"TASKFORGE_{setting.name.upper()}" for setting in SETTINGS}


def check_command(arguments: list[str]) -> None:
    """The command and its options exist."""
    command: Any = typer.main.get_command(application)
    for word in arguments:
        if isinstance(command, TyperGroup):
            command = command.get_command(typer.Context(command), word) or command
    known = {option for parameter in command.params for option in parameter.opts}
    given = {word for word in arguments if word.startswith("-")}
    assert command.name != "taskforge", arguments
    assert given <= known, (arguments, given - known)


def check_settings(names: Any) -> None:
    found = {name for name in names if name.startswith("TASKFORGE_")}
    assert found <= SETTINGS_IN_ENVIRONMENT, found - SETTINGS_IN_ENVIRONMENT


# systemd


def service_of(unit: Path) -> dict[str, str]:
    """The section [Service]."""
    section = unit.read_text("utf-8").partition("[Service]")[2].partition("[Install]")[0]
    return dict(re.findall(r"^(\w+)=(.*)$", section, re.MULTILINE))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_units_call_commands_that_exist(unit: Path) -> None:
    service = service_of(unit)
    program, *arguments = service["ExecStart"].split()
    assert program == "/srv/taskforge/.venv/bin/taskforge"
    check_command(arguments)
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) >= 60
    if "worker" in unit.stem:
        assert service["KillMode"] == "mixed"
        assert int(service["TimeoutStopSec"]) > GRACE_AND_STOPPING


def test_the_environment_file_names_settings() -> None:
    text = (DEPLOY / "systemd" / "taskforge.env.example").read_text("utf-8")
    check_settings(re.findall(r"^(TASKFORGE_\w+)=", text, re.MULTILINE))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text("utf-8").replace("/srv/taskforge/.venv/bin/taskforge", sys.executable)
        text = text.replace("/srv/taskforge", str(tmp_path)).replace("/etc/taskforge.env", "/dev/null")
        (tmp_path / unit.name).write_text(text.replace("User=taskforge", "User=root"))
    finished = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in UNITS)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = [line for line in finished.stderr.splitlines() if str(tmp_path) in line or "taskforge" in line]
    assert finished.returncode == 0 or "Failed to" in finished.stderr, finished.stderr
    assert told == []


# compose


@pytest.fixture(scope="module")
def compose() -> Any:
    """The compose file."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


def test_services_of_the_compose_file(compose: Any) -> None:
    services = compose["services"]
    assert set(services) == {"postgres", "valkey", "migrate", "setup", "server", "scheduler", "worker"}
    for name, service in services.items():
        if "TASKFORGE_DATABASE_URL" in service.get("environment", {}):
            check_settings(service["environment"])
            if "command" in service:
                check_command(service["command"])
        for needed, condition in service.get("depends_on", {}).items():
            is_watched = "healthcheck" in services[needed]
            wanted = "service_healthy" if is_watched else "service_completed_successfully"
            assert condition == {"condition": wanted}, name
    assert services["server"]["ports"] == ["127.0.0.1:8321:8321"]
    assert int(services["worker"]["stop_grace_period"].removesuffix("s")) > GRACE_AND_STOPPING
    environment = services["worker"]["environment"]
    assert environment["TASKFORGE_LIVENESS_PORT"] in services["worker"]["healthcheck"]["test"][-1]
    assert environment["TASKFORGE_DATABASE_URL"].startswith("postgresql://")
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_the_image_runs_as_nobody_in_particular() -> None:
    lines = (DEPLOY / "Containerfile").read_text("utf-8").splitlines()
    steps = [line for line in lines if re.match(r"[A-Z]+ ", line)]
    assert steps[-2:] == ['ENTRYPOINT ["taskforge"]', 'CMD ["serve"]']
    assert "USER 10001" in steps
    assert "STOPSIGNAL SIGTERM" in steps
    check_settings(re.findall(r"(TASKFORGE_\w+)=", "\n".join(steps)))


# Helm


@cache
def manifests(name: str) -> list[Any]:
    """A rendered chart."""
    text = (RENDERED / f"{name}.yaml").read_text("utf-8")
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


def named(name: str, kind: str) -> dict[str, Any]:
    return {m["metadata"]["name"]: m for m in manifests(name) if m["kind"] == kind}


@pytest.mark.parametrize("name", NAMES)
def test_the_rendered_chart_is_that_of_the_chart(name: str) -> None:
    first = (RENDERED / f"{name}.yaml").read_text("utf-8").splitlines()[0]
    assert first.endswith(checksum()), "python -m scripts.render_chart (see there what it needs)"


@pytest.mark.parametrize("name", NAMES)
def test_pods_of_the_chart(name: str) -> None:
    jobs = named(name, "Job")
    for manifest in [*named(name, "Deployment").values(), *jobs.values()]:
        pod = manifest["spec"]["template"]
        if manifest["kind"] == "Deployment":
            assert manifest["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
        [container] = pod["spec"]["containers"]
        check_command(container["args"])
        check_settings(variable["name"] for variable in container.get("env", []))
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["envFrom"] == [{"secretRef": {"name": "taskforge"}}]
        component = pod["metadata"]["labels"]["app.kubernetes.io/component"]
        if component.startswith("worker"):
            grace = int(container["args"][container["args"].index("--grace") + 1].removesuffix("s"))
            assert pod["spec"]["terminationGracePeriodSeconds"] > grace + 15
        if component.startswith(("worker", "scheduler")):
            alive = container["args"][container["args"].index("--liveness-file") + 1]
            assert alive in container["livenessProbe"]["exec"]["command"][-1]
            assert alive.startswith(container["volumeMounts"][0]["mountPath"])
        if component == "server":
            assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
            assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    [migrate] = jobs.values()
    assert migrate["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"


@pytest.mark.parametrize("name", NAMES)
def test_what_points_at_pods_finds_them(name: str) -> None:
    labels = [d["spec"]["template"]["metadata"]["labels"] for d in named(name, "Deployment").values()]
    services = named(name, "Service")
    for budget in named(name, "PodDisruptionBudget").values():
        assert budget["spec"]["selector"]["matchLabels"] in labels
    for service in services.values():
        assert service["spec"]["selector"] in labels
    for scaled in named(name, "ScaledObject").values():
        target = named(name, "Deployment")[scaled["spec"]["scaleTargetRef"]["name"]]
        assert "replicas" not in target["spec"]
        trigger = scaled["spec"]["triggers"][0]
        host = re.match(r"http://([\w-]+)\.jobs\.svc:80/api/v1/autoscaling/", trigger["metadata"]["url"])
        assert host is not None
        assert host[1] in services
        assert trigger["authenticationRef"]["name"] in named(name, "TriggerAuthentication")
    for monitor in named(name, "ServiceMonitor").values():
        wanted = monitor["spec"]["selector"]["matchLabels"]
        assert [s for s in services.values() if wanted.items() <= s["metadata"]["labels"].items()]
    is_whole = name == "everything"
    for kind in ("ScaledObject", "TriggerAuthentication", "ServiceMonitor", "Ingress"):
        assert bool(named(name, kind)) is is_whole, kind
