"""Render the Helm chart into deploy/helm/rendered: `python -m scripts.render_chart`, then look at what changed.

Needs `pip install helm-python-sdk kubernetes-validate`, which is Helm itself as a library (250 MB), so it is no part of the
tests: they hold the rendered files against a checksum of the chart, and look at what is in them.
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


def checksum() -> str:
    """Of the chart and the values that it is rendered with."""
    digest = hashlib.sha256()
    for path in sorted([*CHART.rglob("*.*"), *RENDERED.glob("*.values.yaml")]):
        digest.update(path.relative_to(DEPLOY).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def main() -> None:
    """Lint, render, check against the schemas of Kubernetes, write."""
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
            if manifest and "." not in manifest["apiVersion"].partition("/")[0].replace(".k8s.io", ""):
                schemas.validate(manifest, "1.37", strict=True)
        (RENDERED / f"{name}.yaml").write_text(text, "utf-8")
        print(f"{name}: {text.count('kind: ')} manifests")


if __name__ == "__main__":
    main()
