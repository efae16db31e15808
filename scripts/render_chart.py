"""Render the Helm chart into deploy/helm/rendered: `python -m scripts.render_chart`, then look at what changed.

Needs `pip install helm-python-sdk kubernetes-validate cloudcoil-models-keda cloudcoil-models-prometheus-operator`: Helm itself as a
library (250 MB), the schemas of Kubernetes, and those of the kinds of KEDA and of the Prometheus operator, as pydantic models made of
their definitions. So it is no part of the tests: they hold the rendered files against a checksum of the chart, and look at what is in
them.
"""

import hashlib
import importlib
import sys
from pathlib import Path
from typing import Any

DEPLOY = Path(__file__).parents[1] / "deploy"
CHART = DEPLOY / "helm" / "taskforge"
RENDERED = DEPLOY / "helm" / "rendered"
NAMES = ("defaults", "everything")
OF_OTHERS = {
    "ServiceMonitor": "cloudcoil.models.prometheus_operator.v1",
    "ScaledObject": "cloudcoil.models.keda.v1alpha1",
    "TriggerAuthentication": "cloudcoil.models.keda.v1alpha1",
}
"""Where the models of kinds are that Kubernetes itself has not."""


def checksum() -> str:
    """Of the chart and the values that it is rendered with."""
    digest = hashlib.sha256()
    for path in sorted([*CHART.rglob("*.*"), *RENDERED.glob("*.values.yaml")]):
        digest.update(path.relative_to(DEPLOY).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def check_kind_of_others(manifest: Any) -> None:
    """Raises ValueError for a field that is missing, of another type, or that the kind does not have."""
    model: Any = getattr(importlib.import_module(OF_OTHERS[manifest["kind"]]), manifest["kind"])
    known = model.model_validate(manifest).model_dump(mode="json", by_alias=True, exclude_unset=True)
    if known != manifest:  # what a model does not know it leaves out
        raise ValueError(
            f"{manifest['kind']} has a field that it may not have: {manifest} is read as {known}"
        )


def main() -> None:
    """Lint, render, check against the schemas of Kubernetes, of KEDA and of the Prometheus operator, write."""
    yaml: Any = importlib.import_module("yaml")
    helm: Any = importlib.import_module("helm_python")
    schemas: Any = importlib.import_module("kubernetes_validate")
    findings = helm.lint(str(CHART))
    if findings["errors"]:
        sys.exit(f"helm lint: {findings['errors']}")
    for name in NAMES:
        values = RENDERED / f"{name}.values.yaml"
        given = yaml.safe_load(values.read_text("utf-8")) if values.exists() else {}
        manifests = helm.Chart.load(str(CHART)).render(given, name="release", namespace="jobs")
        text = f"# Rendered by scripts/render_chart.py from a chart with the checksum {checksum()}\n"
        for source, manifest in sorted(manifests.items()):
            if not source.endswith(".txt") and manifest.strip():
                text += f"---\n# Source: {source}\n{manifest.strip().removeprefix('---').strip()}\n"
        for manifest in yaml.safe_load_all(text):
            if manifest and manifest["kind"] in OF_OTHERS:
                check_kind_of_others(manifest)
            elif manifest:
                schemas.validate(manifest, "1.37", strict=True)
        (RENDERED / f"{name}.yaml").write_text(text, "utf-8")
        print(f"{name}: {text.count('kind: ')} manifests")


if __name__ == "__main__":
    main()
