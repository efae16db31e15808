"""`make imports` runs the import contracts; here: that they say enough."""

import re
import tomllib
from typing import Any

from tests.architecture.source import PACKAGE, ROOT

LINTER: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
LAYERS: dict[str, Any] = next(contract for contract in LINTER["contracts"] if contract["type"] == "layers")
NOT_IN_LAYERS = {"__init__"}
NOT_IN_THE_PICTURE = {"__main__", "version"}
NAMES = re.compile(r"[a-z_]+(?: \| [a-z_]+)*(?= {2,}|$)")


def test_every_package_and_module_has_its_layer() -> None:
    placed = [name for layer in LAYERS["layers"] for name in layer.replace("|", " ").split()]
    present = {
        path.stem
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))
    }
    assert len(placed) == len(set(placed))
    assert present - NOT_IN_LAYERS <= set(placed)


def test_the_picture_of_the_layers_is_the_contract() -> None:
    enforced = [set(layer.split(" | ")) - NOT_IN_THE_PICTURE for layer in LAYERS["layers"]]
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    picture = page.split("## Layers", 1)[1].split("```")[1]
    drawn = [NAMES.match(line.strip()) for line in picture.splitlines()]
    assert [set(found[0].split(" | ")) for found in drawn if found] == [layer for layer in enforced if layer]


def test_the_contract_of_the_layers_has_no_holes() -> None:
    assert LAYERS["containers"] == ["taskforge"]
    assert LAYERS["exhaustive"] is True
    assert "exhaustive_ignores" not in LAYERS
    assert not any("ignore_imports" in contract for contract in LINTER["contracts"])


def test_checking_the_layers_is_part_of_the_build() -> None:
    assert "lint-imports" in (ROOT / "Makefile").read_text()
    assert "imports" in (ROOT / ".ci" / "run").read_text()
